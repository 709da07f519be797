package main

import (
	"strings"

	"github.com/spf13/pflag"

	"solsnap/snapshot/archive"
)

func tierValue(field *archive.Tier) pflag.Value {
	return &value[archive.Tier]{field, strings.Join(archive.TierNames(), "|"), archive.ParseTier, archive.Tier.String}
}
