// Package crc computes and combines CRC32C (Castagnoli) checksums.
//
// Owns: the arithmetic that joins the checksums of two adjacent byte ranges
// without reading the bytes again. That is what lets record bytes be summed
// once, when a batch is verified, and every enclosing checksum (WAL record,
// object block) be derived from that one pass.
//
// Does not own: any format. Pure: no I/O, no goroutines, no locks, and no
// state that changes after init.
package crc

import "hash/crc32"

// polynomial is Castagnoli's, reversed: bit 31 is the coefficient of x^0.
const polynomial = crc32.Castagnoli

var table = crc32.MakeTable(polynomial)

// shifts[i][d] is x^(8*d*16^i) modulo the polynomial, in the reversed order of
// bits: what A's checksum is multiplied by when d*16^i bytes follow it. One hex
// digit of the length at a time keeps the table at 1 KiB and a combine at one
// multiplication per non-zero digit.
var shifts = func() (s [16][16]uint32) {
	step := uint32(1) << (31 - 8) // x^8: one byte
	for i := range s {
		s[i][0] = 1 << 31 // x^0
		for d := 1; d < 16; d++ {
			s[i][d] = multiply(s[i][d-1], step)
		}
		step = multiply(s[i][15], step)
	}
	return s
}()

// Of returns the CRC32C of p.
func Of(p []byte) uint32 { return crc32.Update(0, table, p) }

// Update returns the CRC32C of a range whose CRC32C so far is crc, extended by
// p.
func Update(crc uint32, p []byte) uint32 { return crc32.Update(crc, table, p) }

// Combine returns the CRC32C of A followed by B, given the CRC32C of each and
// the length of B in bytes. It panics if lenB is negative.
//
// Combine is linear in each checksum, which makes it the tool for a change in
// the middle of a range as well: where A is replaced by an A' of equal length,
// Combine(Of(A)^Of(A'), Of(AB), len(B)) is Of(A'B).
func Combine(crcA, crcB uint32, lenB int) uint32 {
	if lenB < 0 {
		panic("crc: negative length")
	}
	for i, n := 0, uint(lenB); n != 0; i, n = i+1, n>>4 {
		if digit := n & 15; digit != 0 {
			crcA = multiply(shifts[i][digit], crcA)
		}
	}
	return crcA ^ crcB
}

// multiply returns a*b modulo the polynomial. Branchless: the bits of a
// checksum are as good as random, and a mispredicted branch costs more than
// the step it would skip.
func multiply(a, b uint32) uint32 {
	var product uint32
	for range 32 {
		product ^= b & -(a >> 31)    // add b*x^i if a has x^i
		b = b>>1 ^ polynomial&-(b&1) // b*x
		a <<= 1
	}
	return product
}
