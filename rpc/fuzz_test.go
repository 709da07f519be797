package rpc

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"solsnap/snapshot"
	"solsnap/snapshot/archive/manifest"
)

func FuzzServeBody(f *testing.F) {
	for _, seed := range []string{
		"", "[]", "{}", "null", askHealth, "[" + askHealth + ",1]", `{"id":1,"jsonrpc":"2.0","method":"getVersion","params":null}`,
		`[{"jsonrpc":"2.0","id":"\ud83d\ude00","method":"getSlot","params":[{"minContextSlot":1e3}]},{"method":"x"}]`,
		`{"jsonrpc":"2.0","id":18446744073709551615,"method":"\u0067etBlock","params":{"a":[-0.5e-7,true,false]}}`, "\xff", `{"id":1,"id":2}`,
	} {
		f.Add([]byte(seed))
	}
	s := NewServer(Config{MaxBatch: 8})
	if err := s.Register(node()); err != nil {
		f.Fatal(err)
	}
	if err := s.Register(paramMethods{}); err != nil {
		f.Fatal(err)
	}
	answer := func(body []byte) *recorder {
		w := newRecorder()
		s.ServeHTTP(w, newRequest(string(body)))
		return w
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := answer(body)
		if again := answer(body); again.status != got.status || !bytes.Equal(again.body.Bytes(), got.body.Bytes()) {
			t.Errorf("two answers: %q and %q", got.body.Bytes(), again.body.Bytes())
		}
		switch {
		case !utf8.Valid(body) || len(body) > 51200:
			if got.status == http.StatusOK {
				t.Error("accepted")
			}
		case got.status != http.StatusOK:
			t.Errorf("status %d", got.status)
		case got.body.Len() > 0 && !json.Valid(got.body.Bytes()):
			t.Errorf("the answer is not JSON: %q", got.body.Bytes())
		case !json.Valid(body) && got.body.String() != parseError:
			// encoding/json accepts some texts that serde_json does not, but
			// none the other way round.
			t.Errorf("no JSON was answered with %q", got.body.Bytes())
		}
	})
}

func FuzzParams(f *testing.F) {
	for _, seed := range []string{`[]`, `[{}]`, `["a",{"minContextSlot":1}]`, `{"a":1}`, `[{"commitment":{}}]`, `[1,{"identity":"0"}]`, `[{"votePubkey":"1","keepUnstakedDelinquents":true}]`, `[1,"a",true]`, `[1e400]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := scanner{text: text}
		var raw []byte
		if ok := s.params(&raw); !ok || s.bad || !utf8.Valid(text) {
			return
		}
		p := &Params{raw: raw}
		var (
			slot    snapshot.Slot
			name    string
			flag    bool
			context ContextConfig
		)
		for _, err := range []error{
			p.None(), p.Decode(0, &context), p.Decode(0, new(commitmentConfig)),
			p.Decode(3, &slot, &name, &flag), p.Decode(1, &name, &context),
			p.Decode(0, new(slotOrConfig), new(leaderScheduleConfig)), p.Decode(0, new(voteAccountsConfig)),
		} {
			checkParamError(t, err)
		}
	})
}

// checkParamError wants success or an error that a client may see.
func checkParamError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	public, logged := publicError(err)
	if logged || public.Code != CodeInvalidParams {
		t.Errorf("error is %v", err)
	}
	if text := marshalError(public); !json.Valid(text) {
		t.Errorf("error prints as %q", text)
	}
}

// FuzzBank: whatever decodes as a manifest becomes a bank whose answers are
// JSON.
func FuzzBank(f *testing.F) {
	for _, change := range []func(*manifest.Manifest){func(*manifest.Manifest) {}, noStakes} {
		m := testManifest()
		change(m)
		var text bytes.Buffer
		if err := m.Encode(&text); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifest.Decode(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		b := NewBank(m, nil)
		answers := []json.RawMessage{b.epochInfo, b.epochSchedule, b.inflationGovernor}
		if b.inflationRate != nil {
			answers = append(answers, b.inflationRate)
		}
		if b.votes != nil {
			answers = append(answers, b.votes.usual)
		}
		for _, leaders := range b.leaders {
			if leaders.schedule.Slots() < 1000 {
				answers = append(answers, leaders.text())
			}
		}
		for _, answer := range answers {
			if !json.Valid(answer) {
				t.Errorf("answer is %.200s", answer)
			}
		}
		_, _ = b.slotLeaders(b.slot, 100)
	})
}
