package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture reads a file of the collection that is kept beside the repository, and
// skips the test where there is none.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../shared/fixtures/gossip", name))
	if os.IsNotExist(err) {
		t.Skipf("no fixture %s beside the repository", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seeded is the key made of one byte, 32 times.
func seeded(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pubkey(t testing.TB, text string) Pubkey {
	t.Helper()
	k, err := ParsePubkey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func check[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func checkError(t testing.TB, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error is %v, want one with %q", err, part)
	}
}

// valuesOf are the values in a message.
func valuesOf(m Message) []Value {
	switch m := m.(type) {
	case *Push:
		return m.Values
	case *PullResponse:
		return m.Values
	case *PullRequest:
		return []Value{m.Caller}
	}
	return nil
}

// packet is what the README of the fixtures says of one.
type packet struct {
	protocol Protocol
	kinds    []Kind
	hashes   []string
	forged   bool // the signature of a value does not verify
	refusal  string
}

const dead = "no node takes this any more"

var packets = map[string]packet{
	"pull_request.bin": {ProtocolPullRequest, []Kind{KindLegacyContactInfo},
		[]string{"a2a3315a7b97fc6007416f38586c0e42c4899c006e82ea7112e5459a357b0631"}, false, dead},
	"pull_response_contact_info.bin": {ProtocolPullResponse, []Kind{KindLegacyContactInfo},
		[]string{"85d90efc77e5c9a6e503db2eddccf0506834578a96ad3edb76c4e5a46aabe06e"}, false, dead},
	"pull_response_node_instance.bin": {ProtocolPullResponse, []Kind{KindNodeInstance},
		[]string{"0b8dcb0c374b90ceb16e157fae4bc940e2f122613a8a05630a045201803596bb"}, false, dead},
	"pull_response_snapshot_hashes.bin": {ProtocolPullResponse, []Kind{KindLegacySnapshotHashes},
		[]string{"1d68b8d974b08710139072037de2e95a26e3dfc5b8c74002f41dd39e40abb7b6"}, false, dead},
	"pull_response_version.bin": {ProtocolPullResponse, []Kind{KindVersion},
		[]string{"a0a440b1b9ba5ccf8ffd5021208e59a3ab0d9d9b2558bc471f9b352cc25c8dcd"}, false, dead},
	"push_vote_message.bin": {ProtocolPush, []Kind{KindVote, KindVote},
		[]string{"3c05959939431175ac7754a1a360435691b6c6411093330fc8110794f061d88f",
			"df114f97fdc07a73921b3de95e86b45789c540adb6c951b0de4d07d611622282"}, false, ""},
	"fd_pull_resp_contact_info_v2.bin": {ProtocolPush, []Kind{KindLegacyContactInfo, KindContactInfo, KindNodeInstance},
		[]string{"cb6c6e2b68e87760b9e4d7380fe0d8edcf0b5d85268cc03d1ddf1d2a44ec210f",
			"da4ea257a0dd3adabfd03c2c149d0db3cf13da15cc4e1ed9043edd4fb36fb690",
			"1862473c5648edf4a95641c5b8e53474a0922691c3f4b46d21f0c8516b697fb2"}, false, dead},
	"fd_pull_resp_snapshot_hashes.bin":           {ProtocolPullResponse, []Kind{KindSnapshotHashes}, nil, true, ""},
	"sig_mainnet_pull_response_contact_info.bin": {ProtocolPullResponse, []Kind{KindContactInfo}, []string{"0073c7014e547a0cb34961c54f06edb66fb65bd3952198ebb152423148073662"}, false, ""},
	"sig_push_legacy_contact_info.bin":           {ProtocolPush, []Kind{KindLegacyContactInfo}, nil, false, dead},
	"sig_pull_request_legacy_contact_info.bin":   {ProtocolPullRequest, []Kind{KindLegacyContactInfo}, nil, false, "0 bits, want at least 1"},
	"derived_ping.bin":                           {ProtocolPing, nil, nil, false, ""},
	"derived_pong.bin":                           {ProtocolPong, nil, nil, false, ""},
	"derived_push_ci_snapshot_hashes.bin": {ProtocolPush, []Kind{KindContactInfo, KindSnapshotHashes},
		[]string{"e0af5bbb26056a92c77e7a10272d7d26e2655b51af3ef2028c6a60ae25609b57",
			"cef889b153c46a28d0d20973ab245645a21766f9e363df278c5c52460a3333f5"}, false, ""},
	"derived_pull_response_snapshot_hashes.bin": {ProtocolPullResponse, []Kind{KindSnapshotHashes},
		[]string{"cef889b153c46a28d0d20973ab245645a21766f9e363df278c5c52460a3333f5"}, false, ""},
	"derived_pull_request_ci.bin": {ProtocolPullRequest, []Kind{KindContactInfo},
		[]string{"e0af5bbb26056a92c77e7a10272d7d26e2655b51af3ef2028c6a60ae25609b57"}, false, ""},
	"derived_prune_noprefix.bin": {ProtocolPrune, nil, nil, false, ""},
	"derived_prune_prefix.bin":   {ProtocolPrune, nil, nil, false, ""},
}

// TestFixturesAreDecodedAndVerified holds packets of real nodes against what
// their README says, whatever their age.
func TestFixturesAreDecodedAndVerified(t *testing.T) {
	for name, want := range packets {
		t.Run(name, func(t *testing.T) {
			m, err := Legacy.Decode(fixture(t, name))
			if err != nil {
				t.Fatal(err)
			}
			check(t, "protocol", m.Protocol(), want.protocol)
			values := valuesOf(m)
			check(t, "number of values", len(values), len(want.kinds))
			for i, v := range values {
				check(t, "kind", v.Kind(), want.kinds[i])
				checkVerify(t, v, want.forged)
				if want.hashes != nil {
					hash := v.Hash()
					check(t, "hash", hex.EncodeToString(hash[:]), want.hashes[i])
				}
			}
			if signed, ok := m.(interface{ Verify() error }); ok {
				check(t, "Verify", signed.Verify(), nil)
			}
		})
	}
}

func checkVerify(t *testing.T, v Value, forged bool) {
	t.Helper()
	verified, err := v.Verify()
	check(t, "forged", errors.Is(err, ErrSignature), forged)
	if !forged {
		check(t, "error", err, nil)
		check(t, "hash of verified", verified.Hash(), v.Hash())
		check(t, "label of verified", verified.Label(), v.Label())
	}
}

// TestFixturesAreTheirOwnEncoding shows that nothing of a packet is lost or
// moved, neither when values are relayed as they came nor when what they say is
// encoded again.
func TestFixturesAreTheirOwnEncoding(t *testing.T) {
	for name := range packets {
		t.Run(name, func(t *testing.T) {
			original := fixture(t, name)
			m, err := Legacy.Decode(original)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Legacy.Append(nil, m)
			check(t, "error", err, nil)
			if !bytes.Equal(got, original) {
				t.Errorf("encoded\n%x, want\n%x", got, original)
			}
			for _, v := range valuesOf(m) {
				checkDataIsItsOwnEncoding(t, v)
			}
		})
	}
}

func checkDataIsItsOwnEncoding(t *testing.T, v Value) {
	t.Helper()
	data := v.Data()
	c := Legacy.writer(nil)
	c.data(&data)
	check(t, "error", c.finish(), nil)
	if !bytes.Equal(c.buf, v.signable()) {
		t.Errorf("%v encoded\n%x, want\n%x", v.Kind(), c.buf, v.signable())
	}
}

// TestFixturesAreJudgedAsByModernNodes shows what of the past is refused today.
func TestFixturesAreJudgedAsByModernNodes(t *testing.T) {
	for name, want := range packets {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(fixture(t, name))
			if want.refusal == "" {
				check(t, "error", err, nil)
			} else {
				checkError(t, err, want.refusal)
			}
		})
	}
}

// TestContactInfoAmongTheDead takes the one live value out of a packet that is
// refused.
func TestContactInfoAmongTheDead(t *testing.T) {
	m, err := Legacy.Decode(fixture(t, "fd_pull_resp_contact_info_v2.bin"))
	if err != nil {
		t.Fatal(err)
	}
	alone := m.(*Push).Values[1]
	v, err := DecodeValue(alone.Bytes())
	check(t, "error", err, nil)
	checkVerify(t, v, false)
	checkDataIsItsOwnEncoding(t, v)
	checkContactInfo(t, v.ContactInfo(), ContactInfo{
		Pubkey:    pubkey(t, "Hm5NNNZpBgAo5j3gRwJtkHXihpLzdCyP3WRWHLzcPSup"),
		Wallclock: 1702312087747, Outset: 1702311996165159, ShredVersion: 22793,
		Version: Version{Major: 1, Minor: 18, FeatureSet: 367846227},
	}, "127.0.0.1", map[SocketKey]uint16{
		SocketGossip: 1024, SocketTVU: 1025, SocketTVUQUIC: 1026, SocketTPU: 1027, SocketTPUForwards: 1028, SocketTPUVote: 1029,
		SocketServeRepair: 1032, SocketTPUQUIC: 1033, SocketTPUForwardsQUIC: 1034, SocketServeRepairQUIC: 1035,
		SocketRPC: 8899, SocketRPCPubsub: 8900,
	})
}

// TestContactInfoOfMainnet is a node of January 2024.
func TestContactInfoOfMainnet(t *testing.T) {
	m, err := Decode(fixture(t, "sig_mainnet_pull_response_contact_info.bin"))
	if err != nil {
		t.Fatal(err)
	}
	response := m.(*PullResponse)
	check(t, "from", response.From.String(), "dv3qDFk1DTF36Z62bNvrCXe9sKATA6xvVy6A798xxAS")
	checkContactInfo(t, response.Values[0].ContactInfo(), ContactInfo{
		Pubkey:    pubkey(t, "CKMqpoZzrqeobgVMsS9Es8UpRUjdhT3tA7CTPoXC3u6i"),
		Wallclock: 1704296372153, Outset: 1703199407923420, ShredVersion: 38642,
		Version: Version{Major: 1, Minor: 17, Patch: 9, FeatureSet: 1428472342},
	}, "34.221.220.125", map[SocketKey]uint16{
		SocketGossip: 8000, SocketTVU: 8001, SocketTVUQUIC: 8002, SocketTPU: 8003, SocketTPUForwards: 8004, SocketTPUVote: 8005,
		SocketServeRepair: 8008, SocketTPUQUIC: 8009, SocketTPUForwardsQUIC: 8010, SocketServeRepairQUIC: 8011,
		SocketRPC: 8899, SocketRPCPubsub: 8900,
	})
}

// TestContactInfoOfAgave is a structure without tag and signature, of 2.1.
func TestContactInfoOfAgave(t *testing.T) {
	b := fixture(t, "sig_contact_info_agave_2_1.bin")
	var got ContactInfo
	c := Modern.reader(b)
	got.walk(c)
	check(t, "error", c.finish(), nil)
	checkContactInfo(t, &got, ContactInfo{
		Pubkey:    pubkey(t, "4NftWecdfGcYZMJahnAAX5Cw1PLGLZhYFB19wL6AkXqW"),
		Wallclock: 1721060646885, Outset: 1721060141617172,
		Version: Version{Major: 2, Minor: 1, FeatureSet: 12366211, Client: 3},
	}, "127.0.0.1", map[SocketKey]uint16{
		SocketTVU: 8001, SocketTVUQUIC: 8002, SocketTPU: 8003, SocketTPUForwards: 8004, SocketTPUVote: 8005,
		SocketServeRepairQUIC: 8006, SocketServeRepair: 8008, SocketTPUQUIC: 8009, SocketTPUForwardsQUIC: 8010,
		SocketRPC: 8899, SocketRPCPubsub: 8900, SocketGossip: 20680,
	})
	w := Modern.writer(nil)
	got.walk(w)
	check(t, "encoded again", hex.EncodeToString(w.buf), hex.EncodeToString(b))
}

// checkContactInfo compares all but the sockets with want, and those with ports
// at an address.
func checkContactInfo(t *testing.T, got *ContactInfo, want ContactInfo, addr string, ports map[SocketKey]uint16) {
	t.Helper()
	check(t, "pubkey", got.Pubkey, want.Pubkey)
	check(t, "wallclock", got.Wallclock, want.Wallclock)
	check(t, "outset", got.Outset, want.Outset)
	check(t, "shred version", got.ShredVersion, want.ShredVersion)
	check(t, "version", got.Version, want.Version)
	check(t, "number of sockets", len(got.Sockets), len(ports))
	for key, port := range ports {
		socket, ok := got.Socket(key)
		check(t, key.String(), socket, netip.AddrPortFrom(netip.MustParseAddr(addr), port))
		check(t, key.String(), ok, true)
	}
}

// TestFixturesSayWhatTheySay looks at fields of the old packets.
func TestFixturesSayWhatTheySay(t *testing.T) {
	validator := pubkey(t, "9Diwct7c6braQnne86jutswAW4iZmPfcg6VHVp4FBrLn")
	full, err := ParseHash("CDhgJ4hV9WK3KNTQK5mMcS2RtfphCeDsZeqesAgnbrkh")
	check(t, "error", err, nil)
	data := func(name string, i int) Data {
		m, err := Legacy.Decode(fixture(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return valuesOf(m)[i].Data()
	}
	check(t, "instance", *data("pull_response_node_instance.bin", 0).(*NodeInstance),
		NodeInstance{validator, 1660658416907, 1660658416429, 6711090452999269525})

	version := data("pull_response_version.bin", 0).(*LegacyVersion)
	check(t, "version", [3]uint16{version.Major, version.Minor, version.Patch}, [3]uint16{1, 12, 0})
	check(t, "commit", version.Commit, nil)
	check(t, "feature set", *version.FeatureSet, 402709457)

	hashes := data("pull_response_snapshot_hashes.bin", 0).(*LegacySnapshotHashes)
	check(t, "hash", hashes.Hashes[0], SlotHash{47411, full})
	current := data("fd_pull_resp_snapshot_hashes.bin", 0).(*SnapshotHashes)
	check(t, "full", current.Full, SlotHash{47411, full})
	check(t, "incremental", len(current.Incremental), 0)

	info := data("pull_response_contact_info.bin", 0).(*LegacyContactInfo)
	check(t, "shred version", info.ShredVersion, 25514)
	check(t, "wallclock", info.Wallclock, 1660658416429)

	for i, want := range []uint64{1660658421296, 1660658421764} {
		vote := data("push_vote_message.bin", i).(*Vote)
		check(t, "vote index", vote.Index, uint8(7+i))
		check(t, "vote wallclock", vote.Wallclock, want)
		check(t, "transaction", len(vote.Transaction), 440)
	}
}
