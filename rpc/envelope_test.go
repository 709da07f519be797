package rpc

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	parseError     = `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"
	invalidFormat  = `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request"},"id":%s}`
	versionFormat  = `{"error":{"code":-32600,"message":"Unsupported JSON-RPC protocol version"},"id":%s}`
	notFoundFormat = `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":%s}`
	okFormat       = `{"jsonrpc":"2.0","result":"ok","id":%s}`
)

func invalid(id string) string { return fmt.Sprintf(invalidFormat, id) }

// TestEnvelope goes through the table of how jsonrpc-core reads requests.
func TestEnvelope(t *testing.T) {
	url := serve(t, Config{}, node())
	bad := strings.TrimSuffix(parseError, "\n")
	ok := func(id string) string { return fmt.Sprintf(okFormat, id) }
	version := func(id string) string { return fmt.Sprintf(versionFormat, id) }
	for name, c := range map[string][2]string{
		"empty body":      {``, bad},
		"white space":     {" \n", bad},
		"not JSON":        {`hello`, bad},
		"string":          {`"x"`, bad},
		"number":          {`1`, bad},
		"bool":            {`true`, bad},
		"null":            {`null`, bad},
		"cut off":         {`{"jsonrpc":"2.0","id":1`, bad},
		"trailing":        {askHealth + `x`, bad},
		"two objects":     {askHealth + askHealth, bad},
		"trailing comma":  {`{"jsonrpc":"2.0","id":1,"method":"getHealth",}`, bad},
		"BOM":             {"\ufeff" + askHealth, bad},
		"single quotes":   {`{'jsonrpc':'2.0'}`, bad},
		"control in text": {"{\"jsonrpc\":\"2.0\",\"id\":\"a\nb\",\"method\":\"getHealth\"}", bad},
		"lone surrogate":  {`{"jsonrpc":"2.0","id":"\ud800","method":"getHealth"}`, bad},
		"lone low half":   {`{"jsonrpc":"2.0","id":"\udc00","method":"getHealth"}`, bad},
		"half a pair":     {`{"jsonrpc":"2.0","id":"\ud800\u0041","method":"getHealth"}`, bad},
		"bad escape":      {`{"jsonrpc":"2.0","id":"\x41","method":"getHealth"}`, bad},
		"bad hex":         {`{"jsonrpc":"2.0","id":"\u00g1","method":"getHealth"}`, bad},
		"huge number":     {`{"jsonrpc":"2.0","id":1,"method":"getHealth","params":[1e999]}`, bad},

		"id negative":      {`{"jsonrpc":"2.0","id":-1,"method":"getHealth"}`, bad},
		"id minus zero":    {`{"jsonrpc":"2.0","id":-0,"method":"getHealth"}`, bad},
		"id fraction":      {`{"jsonrpc":"2.0","id":1.5,"method":"getHealth"}`, bad},
		"id exponent":      {`{"jsonrpc":"2.0","id":1e0,"method":"getHealth"}`, bad},
		"id bool":          {`{"jsonrpc":"2.0","id":true,"method":"getHealth"}`, bad},
		"id object":        {`{"jsonrpc":"2.0","id":{},"method":"getHealth"}`, bad},
		"id array":         {`{"jsonrpc":"2.0","id":[],"method":"getHealth"}`, bad},
		"id leading zero":  {`{"jsonrpc":"2.0","id":01,"method":"getHealth"}`, bad},
		"id above u64":     {`{"jsonrpc":"2.0","id":18446744073709551616,"method":"getHealth"}`, bad},
		"id u64":           {`{"jsonrpc":"2.0","id":18446744073709551615,"method":"getHealth"}`, ok("18446744073709551615")},
		"id above 2^53":    {`{"jsonrpc":"2.0","id":9007199254740993,"method":"getHealth"}`, ok("9007199254740993")},
		"id zero":          {`{"jsonrpc":"2.0","id":0,"method":"getHealth"}`, ok("0")},
		"id null":          {`{"jsonrpc":"2.0","id":null,"method":"getHealth"}`, ok("null")},
		"id string":        {`{"jsonrpc":"2.0","id":"a","method":"getHealth"}`, ok(`"a"`)},
		"id empty string":  {`{"jsonrpc":"2.0","id":"","method":"getHealth"}`, ok(`""`)},
		"id escapes":       {`{"jsonrpc":"2.0","id":"<\n\ud83d\ude00é>","method":"getHealth"}`, ok(`"<\n\ud83d\ude00é>"`)},
		"escaped names":    {`{"jsonrpc":"\u0032.0","\u0069d":1,"method":"get\u0048ealth"}`, ok("1")},
		"white space, any": {" \r\n\t{ \"jsonrpc\" : \"2.0\" , \"id\" : 1 , \"method\" : \"getHealth\" } \n", ok("1")},

		"extra member":       {`{"jsonrpc":"2.0","id":7,"method":"getHealth","x":{"y":[]}}`, invalid("7")},
		"capital members":    {`{"JSONRPC":"2.0","id":7,"Method":"getHealth"}`, invalid("7")},
		"no method":          {`{"jsonrpc":"2.0","id":7}`, invalid("7")},
		"no method, no id":   {`{"jsonrpc":"2.0"}`, invalid("null")},
		"empty object":       {`{}`, invalid("null")},
		"method number":      {`{"jsonrpc":"2.0","id":7,"method":1}`, invalid("7")},
		"method null":        {`{"jsonrpc":"2.0","id":7,"method":null}`, invalid("7")},
		"params string":      {`{"jsonrpc":"2.0","id":7,"method":"getHealth","params":"x"}`, invalid("7")},
		"params number":      {`{"jsonrpc":"2.0","id":7,"method":"getHealth","params":1}`, invalid("7")},
		"params bool":        {`{"jsonrpc":"2.0","id":7,"method":"getHealth","params":false}`, invalid("7")},
		"version 1.0":        {`{"jsonrpc":"1.0","id":7,"method":"getHealth"}`, invalid("7")},
		"version number":     {`{"jsonrpc":2.0,"id":7,"method":"getHealth"}`, invalid("7")},
		"version 1.0, no id": {`{"jsonrpc":"1.0","method":"getHealth"}`, invalid("null")},
		"method twice":       {`{"jsonrpc":"2.0","id":7,"method":"getHealth","method":"getHealth"}`, invalid("7")},
		"params twice":       {`{"jsonrpc":"2.0","id":7,"method":"getHealth","params":[],"params":[]}`, invalid("7")},
		"version twice":      {`{"jsonrpc":"2.0","jsonrpc":"2.0","id":7,"method":"getHealth"}`, invalid("7")},
		"id twice":           {`{"jsonrpc":"2.0","id":7,"id":8,"method":"getHealth"}`, invalid("null")},

		"no version":             {`{"id":"v","method":"getHealth"}`, version(`"v"`)},
		"version null":           {`{"jsonrpc":null,"id":1,"method":"getHealth"}`, version("1")},
		"no version, unknown":    {`{"id":1,"method":"nope"}`, version("1")},
		"unknown method":         {`{"jsonrpc":"2.0","id":1,"method":"nope"}`, fmt.Sprintf(notFoundFormat, "1")},
		"empty method":           {`{"jsonrpc":"2.0","id":1,"method":""}`, fmt.Sprintf(notFoundFormat, "1")},
		"Go's name":              {`{"jsonrpc":"2.0","id":1,"method":"GetHealth"}`, fmt.Sprintf(notFoundFormat, "1")},
		"gorilla's name":         {`{"jsonrpc":"2.0","id":1,"method":"s0.GetHealth"}`, fmt.Sprintf(notFoundFormat, "1")},
		"removed in 2.0":         {`{"jsonrpc":"2.0","id":1,"method":"getSnapshotSlot"}`, fmt.Sprintf(notFoundFormat, "1")},
		"notification":           {`{"jsonrpc":"2.0","method":"getHealth"}`, ``},
		"notification, unknown":  {`{"jsonrpc":"2.0","method":"nope"}`, ``},
		"notification, bare":     {`{"method":"nope"}`, ``},
		"params null":            {`{"jsonrpc":"2.0","id":1,"method":"getHealth","params":null}`, ok("1")},
		"params empty":           {`{"jsonrpc":"2.0","id":1,"method":"getHealth","params":[ ]}`, ok("1")},
		"empty batch":            {` [ ] `, ``},
		"batch of one":           {`[` + askHealth + `]`, `[` + ok("1") + `]`},
		"batch with invalid":     {`[{"x":1},` + askHealth + `]`, `[` + invalid("null") + `,` + ok("1") + `]`},
		"batch with notice":      {`[{"jsonrpc":"2.0","method":"x"},` + askHealth + `]`, `[` + ok("1") + `]`},
		"batch of notices":       {`[{"jsonrpc":"2.0","method":"x"},{"method":"y"}]`, ``},
		"batch with number":      {`[` + askHealth + `,1]`, bad},
		"batch with bad id":      {`[` + askHealth + `,{"id":-1}]`, bad},
		"batch in batch":         {`[[` + askHealth + `]]`, bad},
		"positional call":        {`["2.0","getHealth",null,1]`, bad},
		"batch with versionless": {`[{"id":1,"method":"x"}]`, `[` + version("1") + `]`},
		"depth 127":              {deep(126), invalid("1")},
		"depth 128":              {deep(127), bad},
	} {
		t.Run(name, func(t *testing.T) { expect(t, url, c[0], c[1]) })
	}
}

// deep is a call with an unknown member that nests n arrays inside the object.
func deep(n int) string {
	return `{"jsonrpc":"2.0","id":1,"method":"getHealth","x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
}

func TestBatchKeepsOrderAndMayRunTogether(t *testing.T) {
	// All elements wait for each other: run one by one, they would never end.
	const n = maxParallel
	meeting := &meetingMethods{left: n, all: make(chan struct{})}
	url := serve(t, Config{}, meeting)
	var calls, want []string
	for i := range n {
		calls = append(calls, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"meet","params":[%d]}`, i, i))
		want = append(want, fmt.Sprintf(`{"jsonrpc":"2.0","result":%d,"id":%d}`, i, i))
	}
	expect(t, url, "["+strings.Join(calls, ",")+"]", "["+strings.Join(want, ",")+"]")
}

type meetingMethods struct {
	left    int32
	running atomic.Int32
	most    atomic.Int32
	once    sync.Once
	all     chan struct{}
}

// Meet waits until everybody is there.
func (m *meetingMethods) Meet(r *http.Request, params *Params, result *any) error {
	var number uint64
	if err := params.Decode(1, &number); err != nil {
		return err
	}
	if m.running.Add(1) == m.left {
		close(m.all)
	}
	<-m.all
	*result = number
	return nil
}

// Crowd notes how many run at a time.
func (m *meetingMethods) Crowd(*http.Request, *Params, *any) error {
	now := m.running.Add(1)
	for most := m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	if now == maxParallel {
		m.once.Do(func() { close(m.all) })
	}
	<-m.all
	m.running.Add(-1)
	return nil
}

func TestBatchRunsOnlySoManyAtOnce(t *testing.T) {
	crowd := &meetingMethods{all: make(chan struct{})}
	url := serve(t, Config{}, crowd)
	post(t, url, "["+strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"crowd"},`, 99)+askHealth+"]")
	if most := crowd.most.Load(); most != maxParallel {
		t.Errorf("%d elements ran at once, want %d", most, maxParallel)
	}
}

func TestBatchLimit(t *testing.T) {
	url := serve(t, Config{MaxBatch: 3}, node())
	element := `{"jsonrpc":"2.0","method":"x"}`
	expect(t, url, "["+element+","+element+","+element+"]", "")
	expect(t, url, "["+element+","+element+","+element+","+element+"]",
		`{"jsonrpc":"2.0","error":{"code":-32600,"message":"Batch of 4 calls is above the limit of 3; send it in parts"},"id":null}`)
	expect(t, url, "["+element+","+element+","+element+",1]", strings.TrimSuffix(parseError, "\n"))
}
