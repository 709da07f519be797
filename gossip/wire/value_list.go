package wire

import "fmt"

// AppendValues writes values behind b as Agave's contact-info.bin has them: their
// count, and each after the other (gossip/src/cluster_info.rs,
// save_contact_info). There may be more than a packet holds.
func AppendValues(b []byte, values []Value) ([]byte, error) {
	c := Modern.writer(b)
	list(c, "values", smallestValue, &values)
	if err := c.finish(); err != nil {
		return b, fmt.Errorf("encode values: %w", err)
	}
	return c.buf, nil
}

// DecodeValues reads what AppendValues writes. No signature is checked. The values
// share the memory of b.
func DecodeValues(b []byte) ([]Value, error) {
	c := Modern.reader(b)
	var values []Value
	list(c, "values", smallestValue, &values)
	if err := c.finish(); err != nil {
		return nil, fmt.Errorf("decode values: %w", err)
	}
	return values, nil
}
