package rpc

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"solsnap/snapshot"
)

// paramMethods have one method for each way in which Agave takes parameters.
type paramMethods struct{}

func (paramMethods) NoArgs(_ *http.Request, p *Params, result *any) error {
	*result = "none"
	return p.None()
}

func (paramMethods) Context(_ *http.Request, p *Params, result *any) error {
	var config ContextConfig
	err := p.Decode(0, &config)
	*result = config.MinContextSlot
	if err == nil {
		err = config.Check(7)
	}
	return err
}

func (paramMethods) Bare(_ *http.Request, p *Params, result *any) error {
	*result = "known"
	return p.Decode(0, new(commitmentConfig))
}

func (paramMethods) Name(_ *http.Request, p *Params, result *any) error {
	var name string
	var config ContextConfig
	err := p.Decode(1, &name, &config)
	*result = name
	return err
}

func (paramMethods) Triple(_ *http.Request, p *Params, result *any) error {
	var slot snapshot.Slot
	var name string
	var flag bool
	err := p.Decode(3, &slot, &name, &flag)
	*result = []any{slot, name, flag}
	return err
}

// TestParams goes through the table of Agave's errors for parameters, and
// through what it accepts.
func TestParams(t *testing.T) {
	url := serve(t, Config{}, paramMethods{})
	for name, c := range map[string]struct{ method, params, want string }{
		"no args, absent":   {"noArgs", ``, `"none"`},
		"no args, null":     {"noArgs", `null`, `"none"`},
		"no args, empty":    {"noArgs", "[\n ]", `"none"`},
		"no args, one":      {"noArgs", `[1]`, `Invalid parameters: No parameters were expected|Array([Number(1)])`},
		"no args, object":   {"noArgs", `{}`, `Invalid parameters: No parameters were expected|Map({})`},
		"no args, nested":   {"noArgs", `[[]]`, `Invalid parameters: No parameters were expected|Array([Array []])`},
		"no args, all":      {"noArgs", `[null,true,-1,1.5,1e2,"a\"\n\u0001é",{"b":[2],"a":null}]`, `Invalid parameters: No parameters were expected|Array([Null, Bool(true), Number(-1), Number(1.5), Number(100.0), String("a\"\n\u{1}é"), Object {"a": Null, "b": Array [Number(2)]}])`},
		"trailing, absent":  {"context", ``, `null`},
		"trailing, null":    {"context", `null`, `null`},
		"trailing, none":    {"context", `[]`, `null`},
		"trailing, a null":  {"context", `[null]`, `null`},
		"trailing, empty":   {"context", `[{}]`, `null`},
		"trailing, object":  {"context", `{"commitment":"confirmed"}`, "`params` should be an array"},
		"trailing, too few": {"name", `[]`, "`params` should have at least 1 argument(s)"},
		"too few, absent":   {"name", ``, "`params` should have at least 1 argument(s)"},
		"too many":          {"context", `[{},1]`, `Invalid parameters: Expected from 0 to 1 parameters.|"Got: 2"`},
		"too many of two":   {"name", `[1,2,3]`, `Invalid parameters: Expected from 1 to 2 parameters.|"Got: 3"`},

		"wrong type":          {"name", `[true]`, "Invalid params: invalid type: boolean `true`, expected a string."},
		"wrong type, null":    {"name", `[null]`, "Invalid params: invalid type: null, expected a string."},
		"wrong type, number":  {"name", `[1]`, "Invalid params: invalid type: integer `1`, expected a string."},
		"wrong type, float":   {"name", `[1.0]`, "Invalid params: invalid type: floating point `1.0`, expected a string."},
		"wrong type, array":   {"name", `[[]]`, "Invalid params: invalid type: sequence, expected a string."},
		"wrong type, object":  {"name", `[{}]`, "Invalid params: invalid type: map, expected a string."},
		"tuple, absent":       {"triple", ``, "Invalid params: invalid type: null, expected a tuple of size 3."},
		"tuple, object":       {"triple", `{}`, "Invalid params: invalid type: map, expected a tuple of size 3."},
		"tuple, short":        {"triple", `[1,"a"]`, "Invalid params: invalid length 2, expected a tuple of size 3."},
		"tuple, long":         {"triple", `[1,"a",true,4]`, "Invalid params: invalid length 4, expected fewer elements in array."},
		"tuple, right":        {"triple", `[18446744073709551615,"<a>",true]`, `[18446744073709551615,"<a>",true]`},
		"u64, string":         {"triple", `["1","a",true]`, "Invalid params: invalid type: string \"1\", expected u64."},
		"u64, negative":       {"triple", `[-1,"a",true]`, "Invalid params: invalid value: integer `-1`, expected u64."},
		"u64, fraction":       {"triple", `[1.5,"a",true]`, "Invalid params: invalid type: floating point `1.5`, expected u64."},
		"u64, beyond":         {"triple", `[18446744073709551616,"a",true]`, "Invalid params: invalid type: floating point `1.8446744073709552e19`, expected u64."},
		"bool, null":          {"triple", `[1,"a",null]`, "Invalid params: invalid type: null, expected a boolean."},
		"string for a number": {"triple", `[1,2,true]`, "Invalid params: invalid type: integer `2`, expected a string."},

		"string":              {"name", `["<a>"]`, `"<a>"`},
		"string and null":     {"name", `["a",null]`, `"a"`},
		"string and a number": {"name", `["a",5]`, "Invalid params: invalid type: integer `5`, expected struct RpcContextConfig."},

		"commitment":               {"context", `[{"commitment":"processed"}]`, `null`},
		"commitment, unknown":      {"context", `[{"commitment":"x"}]`, `null`},
		"commitment, number":       {"context", `[{"commitment":1}]`, `null`},
		"config, unknown member":   {"context", `[{"x":[{}]}]`, `null`},
		"config, string":           {"context", `["confirmed"]`, "Invalid params: invalid type: string \"confirmed\", expected struct RpcContextConfig."},
		"minContextSlot":           {"context", `[{"minContextSlot":7}]`, `7`},
		"minContextSlot, null":     {"context", `[{"minContextSlot":null}]`, `null`},
		"minContextSlot, string":   {"context", `[{"minContextSlot":"x"}]`, "Invalid params: invalid type: string \"x\", expected u64."},
		"bare commitment":          {"bare", `[{"commitment":"confirmed"}]`, `"known"`},
		"bare commitment, absent":  {"bare", `[]`, `"known"`},
		"bare commitment, unknown": {"bare", `[{"commitment":"x"}]`, "Invalid params: unknown variant `x`, expected one of `processed`, `confirmed`, `finalized`."},
		"bare commitment, map":     {"bare", `[{"commitment":{}}]`, "Invalid params: invalid value: map, expected map with a single key."},
		"bare commitment, number":  {"bare", `[{"commitment":1}]`, "Invalid params: invalid type: integer `1`, expected string or map."},
		"bare commitment, empty":   {"bare", `[{}]`, "Invalid params: missing field `commitment`."},
		"bare commitment, string":  {"bare", `["x"]`, "Invalid params: invalid type: string \"x\", expected struct CommitmentConfig."},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"jsonrpc":"2.0","id":1,"method":"` + c.method + `"`
			if c.params != "" {
				body += `,"params":` + c.params
			}
			expect(t, url, body+"}", answerOf(c.want))
		})
	}
	expect(t, url, `{"jsonrpc":"2.0","id":1,"method":"context","params":[{"minContextSlot":8}]}`,
		`{"jsonrpc":"2.0","error":{"code":-32016,"message":"Minimum context slot has not been reached","data":{"contextSlot":7}},"id":1}`)
}

// answerOf is the response with want as its result, or, when that is no JSON,
// as the message of -32602 and after a bar its data.
func answerOf(want string) string {
	if json.Valid([]byte(want)) {
		return `{"jsonrpc":"2.0","result":` + want + `,"id":1}`
	}
	message, data, found := strings.Cut(want, "|")
	text, _ := marshal(message)
	out := `{"jsonrpc":"2.0","error":{"code":-32602,"message":` + string(text)
	if found {
		text, _ = marshal(data)
		out += `,"data":` + string(text)
	}
	return out + `},"id":1}`
}

func TestRustFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", 1: "1.0", -1.5: "-1.5", 0.08: "0.08", 1e15: "1000000000000000.0", 1e16: "1e16", 1.5e300: "1.5e300",
		0.00001: "0.00001", 0.000001: "1e-6", -1.25e-7: "-1.25e-7", 123456789.125: "123456789.125", 5e-324: "5e-324",
	} {
		if got := rustFloat(f); got != want {
			t.Errorf("%g prints %s, want %s", f, got, want)
		}
	}
}
