package image

import (
	"iter"

	"github.com/tidwall/btree"
)

// table is a sorted persistent map: a copy shares all nodes with its source
// and copies those on the path of a change. Readers of one copy and the writer
// of another need no lock.
type table[K, V any] struct {
	tree *btree.BTreeG[entry[K, V]]
}

type entry[K, V any] struct {
	key   K
	value V
}

func newTable[K, V any](compare func(a, b K) int) table[K, V] {
	less := func(a, b entry[K, V]) bool { return compare(a.key, b.key) < 0 }
	return table[K, V]{btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})}
}

// copy marks all nodes of t as shared, which writes to t itself, though to
// nothing a reader looks at: two copies of one table must not be made at once.
func (t table[K, V]) copy() table[K, V] { return table[K, V]{t.tree.Copy()} }

func (t table[K, V]) len() int { return t.tree.Len() }

func (t table[K, V]) get(key K) (V, bool) {
	e, ok := t.tree.Get(entry[K, V]{key: key})
	return e.value, ok
}

// put and remove change t in place: only on a copy nobody else has seen.
func (t table[K, V]) put(key K, value V) { t.tree.Set(entry[K, V]{key, value}) }

func (t table[K, V]) remove(key K) { t.tree.Delete(entry[K, V]{key: key}) }

func (t table[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		t.tree.Scan(func(e entry[K, V]) bool { return yield(e.key, e.value) })
	}
}

// from walks the entries at or past key, in order.
func (t table[K, V]) from(key K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		t.tree.Ascend(entry[K, V]{key: key}, func(e entry[K, V]) bool { return yield(e.key, e.value) })
	}
}

// last returns the entry at or before key.
func (t table[K, V]) last(key K) (found V, ok bool) {
	t.tree.Descend(entry[K, V]{key: key}, func(e entry[K, V]) bool {
		found, ok = e.value, true
		return false
	})
	return found, ok
}

// values walks the values in the order of their keys.
func (t table[K, V]) values() iter.Seq[V] {
	return func(yield func(V) bool) {
		t.tree.Scan(func(e entry[K, V]) bool { return yield(e.value) })
	}
}
