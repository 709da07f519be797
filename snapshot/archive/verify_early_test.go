package archive

import (
	"os"
	"testing"

	"solsnap/snapshot"
)

// TestVerifyEarly: that the manifest is another's shows before the end of the
// archive, of which here something is missing, too.
func TestVerifyEarly(t *testing.T) {
	content, err := os.ReadFile(fixturePath(t, "synthetic/multi-frame/"+sigFull))
	if err != nil {
		t.Fatal(err)
	}
	name, err := snapshot.ParseName(sigFull)
	if err != nil {
		t.Fatal(err)
	}
	other := name
	other.Hash[0]++
	for title, tt := range map[string]struct {
		source Source
		early  bool
		want   Tier // that fails; TierNone is none
	}{
		"in the end":           {bytesSource(other, content), false, TierManifest},
		"in the end, cut":      {bytesSource(other, content[:len(content)-100]), false, TierStructure},
		"early":                {bytesSource(other, content), true, TierManifest},
		"early, cut":           {bytesSource(other, content[:len(content)-100]), true, TierManifest},
		"early, nothing wrong": {bytesSource(name, content), true, TierNone},
	} {
		t.Run(title, func(t *testing.T) {
			report, err := Verify(t.Context(), VerifyConfig{Archive: tt.source, Tier: TierAccounts, Early: tt.early, ScratchDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Failure; (got == nil) != (tt.want == TierNone) || got != nil && got.Tier != tt.want {
				t.Errorf("failure is %v, want of the tier %v", got, tt.want)
			}
		})
	}
}
