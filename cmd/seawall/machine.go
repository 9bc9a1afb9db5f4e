package main

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// memoryBytes is how much memory this process may use: that of the machine, or
// less where a cgroup says so. 0 when nothing is known. root is the file system
// from its root, os.DirFS("/").
func memoryBytes(root fs.FS) int64 {
	limit := machineMemoryBytes(root)
	lower := func(file string) {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return // this version of cgroups is not mounted here
		}
		// "max" in version 2, and a number near 2^63 in version 1, are no limit.
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	// A limit of any cgroup above counts. In a container the own group is
	// often mounted as the root.
	for dir := path.Clean("/" + ownCgroup(root)); ; dir = path.Dir(dir) {
		lower(path.Join("sys/fs/cgroup", dir, "memory.max"))
		if dir == "/" {
			break
		}
	}
	lower("sys/fs/cgroup/memory/memory.limit_in_bytes")
	return limit
}

// machineMemoryBytes reads MemTotal.
func machineMemoryBytes(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// ownCgroup is the path of this process in version 2 of cgroups, "" without.
func ownCgroup(root fs.FS) string {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return group
		}
	}
	return ""
}
