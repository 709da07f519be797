package archive

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestReaderRefusesOtherFiles(t *testing.T) {
	for name, content := range map[string]string{
		"empty":                "",
		"three bytes":          "\x28\xb5\x2f",
		"bzip2":                "BZh91AY&SY",
		"gzip":                 "\x1f\x8b\x08\x00",
		"legacy lz4":           "\x02\x21\x4c\x18....",
		"old tar":              string(entry{name: "version", magic: v7Magic}.bytes()),
		"half a tar header":    string(versionEntry.bytes()[:300]),
		"only skippable":       "\x50\x2a\x4d\x18\x01\x00\x00\x00.",
		"skippable, cut short": "\x50\x2a\x4d\x18\xff\xff\xff\xff.",
	} {
		if _, err := NewReader(t.Context(), strings.NewReader(content)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func hugeSparse(b []byte) {
	copy(b[sparseMap:], "00000000000\x0000000000000\x00")
	copy(b[sparseSize:], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
}

func TestReaderRefusesEntries(t *testing.T) {
	regular := func(name string) entry { return entry{name: name, typeflag: '0', content: "x"} }
	dir := func(name string) entry { return entry{name: name, typeflag: '5'} }
	typed := func(typeflag byte) entry {
		e := storageEntry("9.9", pubkeyed(1, 0))
		e.typeflag = typeflag
		return e
	}
	for name, tt := range map[string]struct {
		entry   entry
		wantErr string
	}{
		"absolute":                      {regular("/version"), "absolute path"},
		"parent":                        {regular("accounts/../accounts/9.9"), `path component ".."`},
		"parent first":                  {regular("../accounts/9.9"), `path component ".."`},
		"parent last":                   {dir("snapshots/.."), `path component ".."`},
		"dot first":                     {regular("./accounts/9.9"), `path component "."`},
		"only a dot":                    {dir("."), `path component "."`},
		"only dots and slashes":         {dir("./"), `path component "."`},
		"empty name":                    {regular(""), "no such member"},
		"backslash":                     {regular(`accounts\9.9`), "no such member"},
		"unknown":                       {regular("fastboot_version"), "no such member"},
		"unknown directory":             {dir("rocksdb"), "no such member"},
		"below version":                 {regular("version/1"), "no such member"},
		"too deep":                      {regular("accounts/9.9/9.9"), "no such member"},
		"far too deep":                  {regular("snapshots/9/9/9"), "no such member"},
		"storage without a dot":         {regular("accounts/99"), "no such member"},
		"storage with two dots":         {regular("accounts/9.9.9"), "no such member"},
		"storage without a slot":        {regular("accounts/.9"), "no such member"},
		"storage without an id":         {regular("accounts/9."), "no such member"},
		"storage with a sign":           {regular("accounts/+9.9"), "no such member"},
		"storage in other digits":       {regular("accounts/٩.9"), "no such member"},
		"storage with a space":          {regular("accounts/9.9 "), "no such member"},
		"slot above 64 bits":            {regular("accounts/18446744073709551616.0"), "above 2^64-1"},
		"id above 64 bits":              {regular("accounts/0.18446744073709551616"), "above 2^64-1"},
		"manifest of no slot":           {regular("snapshots/x/x"), "no such member"},
		"manifest of two slots":         {regular("snapshots/9/8"), "manifest of slot 8 in the directory of slot 9"},
		"directory of no slot":          {dir("snapshots/x"), "no such member"},
		"directory in accounts":         {dir("accounts/9.9"), "no such member"},
		"directory in a slot's":         {dir("snapshots/9/9"), "no such member"},
		"directory with content":        {entry{name: "accounts", typeflag: '5', content: "x"}, "directory of 1 bytes"},
		"version is a directory":        {dir("version"), "no such member"},
		"accounts is a file":            {regular("accounts"), "no such member"},
		"trailing slash on a file":      {regular("accounts/9.9/"), "directory's name"},
		"old directory":                 {entry{name: "accounts/9.9/", magic: v7Magic, content: "x"}, "directory's name"},
		"hard link":                     {typed('1'), "type is '1'"},
		"symbolic link":                 {typed('2'), "type is '2'"},
		"character device":              {typed('3'), "type is '3'"},
		"fifo":                          {typed('6'), "type is '6'"},
		"contiguous file":               {typed('7'), "type is '7'"},
		"pax header on a member":        {typed('x'), "type is 'x'"},
		"pax header":                    {entry{name: "././@PaxHeader", typeflag: 'x', content: "13 path=version\n"}, "path component"},
		"pax header, ours by name":      {entry{name: "PaxHeaders/9.9", typeflag: 'x', content: "x"}, "no such member"},
		"global pax header":             {entry{name: "pax_global_header", typeflag: 'g', content: "x"}, "no such member"},
		"GNU long name":                 {entry{name: "././@LongLink", typeflag: 'L', content: "accounts/9.9\x00"}, "path component"},
		"GNU long link":                 {typed('K'), "type is 'K'"},
		"empty storage":                 {entry{name: "accounts/9.9"}, "empty storage"},
		"storage above 16 GiB":          {entry{name: "accounts/9.9", size: "200000000001"}, "size is 17179869185 bytes, want at most 17179869184"},
		"manifest above 32 GiB":         {entry{name: "snapshots/9/9", size: "\x80\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01"}, "want at most 34359738368"},
		"size of 2^63":                  {entry{name: "accounts/9.9", size: "\x80\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"}, "size: not a number"},
		"size of 2^95":                  {entry{name: "accounts/9.9", size: "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}, "size: not a number"},
		"negative size":                 {entry{name: "accounts/9.9", size: strings.Repeat("\xff", 12)}, "size: not a number"},
		"size in decimal":               {entry{name: "accounts/9.9", size: "00000000189\x00"}, "size: not a number"},
		"no size":                       {entry{name: "accounts/9.9", size: strings.Repeat("\x00", 12)}, "size: not a number"},
		"wrong checksum":                {entry{name: "accounts/9.9", sum: "000000\x00 "}, "header checksum is"},
		"no checksum":                   {entry{name: "accounts/9.9", sum: strings.Repeat(" ", 8)}, "header checksum: not a number"},
		"second version":                {versionEntry, "second version"},
		"second status cache":           {statusEntry, "second status cache"},
		"second manifest":               {manifestEntry, "second manifest"},
		"manifest of another slot":      {regular("snapshots/8/8"), "second manifest"},
		"second storage":                {storageEntry("7.1", pubkeyed(1, 0)), "second storage"},
		"second storage, leading zeros": {storageEntry("07.01", pubkeyed(1, 0)), "second storage"},
		"second storage, inner dot":     {storageEntry("./7.1", pubkeyed(1, 0)), "second storage"},
		"sparse version":                {entry{name: "version", typeflag: 'S', content: "1.2.0", edit: func(b []byte) { putSparse(b, sparseMap, 5, run{0, 5}) }}, "type is 'S'"},
		"sparse in POSIX":               {entry{name: "accounts/9.9", typeflag: 'S', magic: ustarMagic}, "sparse member in a ustar header"},
		"sparse of 2^63 bytes":          {entry{name: "accounts/9.9", typeflag: 'S', edit: hugeSparse}, "sparse map is broken"},
		"prefix makes it too deep":      {entry{name: "9.9", prefix: "tmp/accounts", magic: ustarMagic, content: "x"}, "no such member"},
	} {
		t.Run(name, func(t *testing.T) {
			before := agaveEntries()
			got := walk(bytes.NewReader(buildTar(append(before, tt.entry)...)))
			failed := (*MemberError)(nil)
			if !errors.As(got.err, &failed) || !strings.Contains(failed.Err.Error(), tt.wantErr) {
				t.Fatalf("error %v, want a *MemberError with %q", got.err, tt.wantErr)
			}
			if want := int64(len(buildTar(before...)) - endOfTar); failed.Offset != want {
				t.Errorf("offset is %d, want that of the entry's header, %d", failed.Offset, want)
			}
		})
	}
}

func TestReaderAcceptsEntries(t *testing.T) {
	long := storageEntry("18446744073709551615.18446744073709551615", pubkeyed(1, 0))
	octal, binary := storageEntry("9.9", pubkeyed(1, 0)), storageEntry("9.9", pubkeyed(1, 0))
	octal.size, binary.size = "        210 ", "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x88"
	regular, posix := storageEntry("9.9", pubkeyed(1, 0)), storageEntry("9.9", pubkeyed(1, 0))
	regular.typeflag = '0'
	posix.name, posix.prefix, posix.magic = "9.9", "accounts", ustarMagic
	odd := storageEntry("/.//9.9", pubkeyed(1, 0))
	times := storageEntry("9.9", pubkeyed(1, 0))
	times.prefix = "00000000000\x00" // where POSIX has the first part of the name
	old := storageEntry("9.9", pubkeyed(1, 0))
	old.magic = v7Magic
	for name, e := range map[string]entry{
		"largest numbers":        long,
		"size in loose octal":    octal,
		"size in base 256":       binary,
		"regular type":           regular,
		"name in two parts":      posix,
		"old header":             old,
		"access time, as in GNU": times,
		"more slashes and dots":  odd,
		"accounts directory":     {name: "accounts/", typeflag: '5'},
		"directory, no slash":    {name: "accounts", typeflag: '5'},
		"same slot, other id":    storageEntry("7.2", pubkeyed(1, 0)),
		"same id, other slot":    storageEntry("8.1", pubkeyed(1, 0)),
	} {
		if got := walk(bytes.NewReader(buildTar(append(agaveEntries(), e)...))); got.err != nil {
			t.Errorf("%s: %v", name, got.err)
		}
	}
}

func TestReaderHeaderStyles(t *testing.T) {
	restyle := func(entries []entry, magic string) []entry {
		for i := range entries {
			entries[i].magic = magic
		}
		return entries
	}
	for want, entries := range map[HeaderStyle][]entry{
		HeadersGNU:   restyle(agaveEntries(), gnuMagic),
		HeadersUSTAR: restyle(agaveEntries(), ustarMagic),
		HeadersMixed: append(restyle(agaveEntries(), ustarMagic), storageEntry("8.8", pubkeyed(1, 0))),
		HeadersV7:    restyle(agaveEntries(), v7Magic),
	} {
		if got := walk(bytes.NewReader(compress(t, buildTar(entries...)))); got.err != nil || got.container.Headers != want {
			t.Errorf("%v, headers are %s, want %s", got.err, got.container.Headers, want)
		}
	}
}
