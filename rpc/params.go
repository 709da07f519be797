package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Params are the parameters of one call. They are positional: Agave never
// accepts an object. They are valid until the method returns.
type Params struct {
	// raw is the text of an array or object; nil when absent or null.
	raw []byte
}

// None checks that there are no parameters: absent, null or an empty array.
func (p *Params) None() error {
	if p.raw == nil || p.raw[0] == '[' && len(bytes.TrimSpace(p.raw[1:len(p.raw)-1])) == 0 {
		return nil
	}
	var v any
	if err := decodeJSON(p.raw, &v); err != nil {
		return err
	}
	return &Error{
		Code:    CodeInvalidParams,
		Message: "Invalid parameters: No parameters were expected",
		Data:    debugParams(v),
	}
}

// Decode reads the parameters by position into the variables that into points
// to; the first required of them must be there. A trailing one that is absent
// or null keeps its value. The errors are those of Agave, which come from
// jsonrpc-derive and serde, and mean CodeInvalidParams.
//
//	var slot snapshot.Slot
//	var config ContextConfig
//	if err := params.Decode(1, &slot, &config); err != nil {
//		return err
//	}
//
// A variable is a string, bool, uint64, a pointer to one of those (null
// allowed), a struct whose fields have a `param:"name"` tag, or a
// ParamUnmarshaler. In a struct, pointers may be absent, and members without a
// field are ignored. A blank field tagged `serde:"RpcContextConfig"` gives the
// name that Agave's error text has for the struct.
func (p *Params) Decode(required int, into ...any) error {
	var v any
	if p.raw != nil {
		if err := decodeJSON(p.raw, &v); err != nil {
			return err
		}
	}
	if required == len(into) {
		return decodeTuple(v, into)
	}
	return decodeTrailing(v, required, into)
}

// decodeJSON reads a text that the scanner has passed; integers stay exact.
func decodeJSON(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode params: %w", err)
	}
	return nil
}

// decodeTuple decodes as jsonrpc-derive does for methods without optional
// arguments: Params::parse into a tuple.
func decodeTuple(v any, into []any) error {
	tuple := fmt.Sprintf("a tuple of size %d", len(into))
	list, ok := v.([]any)
	if !ok {
		return invalidParams(invalidType(v, tuple))
	}
	for i, target := range into {
		if i == len(list) {
			return invalidParams(fmt.Errorf("invalid length %d, expected %s", len(list), tuple))
		}
		if err := decodeArgument(list[i], target); err != nil {
			return err
		}
	}
	if len(list) > len(into) {
		return invalidParams(fmt.Errorf("invalid length %d, expected fewer elements in array", len(list)))
	}
	return nil
}

// decodeTrailing decodes as jsonrpc-derive does for methods with optional
// trailing arguments, which counts before it parses.
func decodeTrailing(v any, required int, into []any) error {
	list, ok := v.([]any)
	switch {
	case !ok && v != nil:
		return &Error{Code: CodeInvalidParams, Message: "`params` should be an array"}
	case len(list) < required:
		return &Error{Code: CodeInvalidParams, Message: fmt.Sprintf("`params` should have at least %d argument(s)", required)}
	case len(list) > len(into):
		return &Error{
			Code:    CodeInvalidParams,
			Message: fmt.Sprintf("Invalid parameters: Expected from %d to %d parameters.", required, len(into)),
			Data:    fmt.Sprintf(`"Got: %d"`, len(list)),
		}
	}
	for i, argument := range list {
		if argument == nil && i >= required {
			continue
		}
		if err := decodeArgument(argument, into[i]); err != nil {
			return err
		}
	}
	return nil
}

// decodeArgument decodes one argument, and dresses serde's text as Params::parse
// does.
func decodeArgument(v, target any) error {
	if err := decodeValue(v, reflect.ValueOf(target).Elem()); err != nil {
		return invalidParams(err)
	}
	return nil
}

func invalidParams(err error) error {
	return &Error{Code: CodeInvalidParams, Message: "Invalid params: " + err.Error() + "."}
}
