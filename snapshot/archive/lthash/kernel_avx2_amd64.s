#include "go_asm.h"
#include "textflag.h"

// BLAKE3's compression in eight lanes: a Y register holds one 32-bit word of each,
// and Y0-Y15 are the state, v0 to v15. Shifts need a register besides, so v11 is in
// memory, and Y11 is free. In the batch's scratch are
//
//	rows 0-7, at SI   the block's words, 32 bytes for each
//	row 8             v11
#define WORD(i) (32*i)(SI)
#define V11 512(SI)

// INTO applies an operation to four words, each with another of four.
#define INTO(op, x0, x1, x2, x3, w0, w1, w2, w3) \
	op x0, w0, w0; op x1, w1, w1; op x2, w2, w2; op x3, w3, w3

// SHIFT rotates a word to the right by n, left is 32-n.
#define SHIFT(n, left, w) \
	VPSRLD $n, w, Y11; VPSLLD $left, w, w; VPOR Y11, w, w

// MIX is half of BLAKE3's G, which is the same twice but for the rotations, in four
// columns at once. d rotates by whole bytes. The last column has v11 as its c.
#define MIX(m0, m1, m2, m3, bytes, n, left, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, d0, d1, d2, d3) \
	INTO(VPADDD, WORD(m0), WORD(m1), WORD(m2), WORD(m3), a0, a1, a2, a3); \
	INTO(VPADDD, b0, b1, b2, b3, a0, a1, a2, a3);                         \
	INTO(VPXOR, a0, a1, a2, a3, d0, d1, d2, d3);                          \
	INTO(VPSHUFB, bytes, bytes, bytes, bytes, d0, d1, d2, d3);            \
	VPADDD V11, d3, Y11; VMOVDQU Y11, V11;                                \
	VPADDD d0, c0, c0; VPADDD d1, c1, c1; VPADDD d2, c2, c2;              \
	INTO(VPXOR, c0, c1, c2, Y11, b0, b1, b2, b3);                         \
	SHIFT(n, left, b0); SHIFT(n, left, b1); SHIFT(n, left, b2); SHIFT(n, left, b3)

#define COLUMNS(m0, m1, m2, m3, bytes, n, left) \
	MIX(m0, m1, m2, m3, bytes, n, left, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y12, Y13, Y14, Y15)

// DIAGONALS are the diagonals from v0, v2, v3 and v1.
#define DIAGONALS(m0, m1, m2, m3, bytes, n, left) \
	MIX(m0, m1, m2, m3, bytes, n, left, Y0, Y2, Y3, Y1, Y5, Y7, Y4, Y6, Y10, Y8, Y9, Y15, Y13, Y14, Y12)

#define ROUND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15) \
	COLUMNS(m0, m2, m4, m6, ror16<>(SB), 12, 20);      \
	COLUMNS(m1, m3, m5, m7, ror8<>(SB), 7, 25);        \
	DIAGONALS(m8, m12, m14, m10, ror16<>(SB), 12, 20); \
	DIAGONALS(m9, m13, m15, m11, ror8<>(SB), 7, 25)

#define ROUNDS \
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
	ROUND(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8); \
	ROUND(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1); \
	ROUND(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6); \
	ROUND(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4); \
	ROUND(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7); \
	ROUND(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13)

// PAIRS is the first step of the transposition: rows r and s, which are halves of
// blocks, become words 0, 1, 4, 5 of both in lo and 2, 3, 6, 7 in hi.
#define PAIRS(r, s, lo, hi) \
	VPUNPCKLDQ s, r, lo; \
	VPUNPCKHDQ s, r, hi

// FOURS is the second: x and y are the lo of two pairs, or the hi. What comes out is
// one word of four blocks in each half of the register.
#define FOURS(x, y, lo, hi) \
	VPUNPCKLQDQ y, x, lo; \
	VPUNPCKHQDQ y, x, hi

// HALVES is the third: the halves of two such registers become a word of all eight
// blocks, and the fourth after it.
#define HALVES(x, y, word, fourth) \
	VPERM2I128 $0x20, y, x, Y8; VMOVDQU Y8, WORD(word); \
	VPERM2I128 $0x31, y, x, Y9; VMOVDQU Y9, WORD(fourth)

// LOAD reads half of the block of eight lanes, the first at (BX), the next DX bytes
// on, and transposes them into the words from first on. CX is 3*DX.
#define LOAD(first) \
	LEAQ (BX)(DX*4), R9; \
	VMOVDQU (BX), Y0;        VMOVDQU (BX)(DX*1), Y1; \
	VMOVDQU (BX)(DX*2), Y2;  VMOVDQU (BX)(CX*1), Y3; \
	VMOVDQU (R9), Y4;        VMOVDQU (R9)(DX*1), Y5; \
	VMOVDQU (R9)(DX*2), Y6;  VMOVDQU (R9)(CX*1), Y7; \
	PAIRS(Y0, Y1, Y8, Y9); PAIRS(Y2, Y3, Y10, Y11);   \
	PAIRS(Y4, Y5, Y12, Y13); PAIRS(Y6, Y7, Y14, Y15); \
	FOURS(Y8, Y10, Y0, Y1); FOURS(Y9, Y11, Y2, Y3);   \
	FOURS(Y12, Y14, Y4, Y5); FOURS(Y13, Y15, Y6, Y7); \
	HALVES(Y0, Y4, (first+0), (first+4)); HALVES(Y1, Y5, (first+1), (first+5)); \
	HALVES(Y2, Y6, (first+2), (first+6)); HALVES(Y3, Y7, (first+3), (first+7))

// The bytes of each word in the order that rotates it to the right.
DATA ror16<>+0(SB)/8, $0x0504070601000302
DATA ror16<>+8(SB)/8, $0x0d0c0f0e09080b0a
DATA ror16<>+16(SB)/8, $0x0504070601000302
DATA ror16<>+24(SB)/8, $0x0d0c0f0e09080b0a
GLOBL ror16<>(SB), RODATA|NOPTR, $32
DATA ror8<>+0(SB)/8, $0x0407060500030201
DATA ror8<>+8(SB)/8, $0x0c0f0e0d080b0a09
DATA ror8<>+16(SB)/8, $0x0407060500030201
DATA ror8<>+24(SB)/8, $0x0c0f0e0d080b0a09
GLOBL ror8<>(SB), RODATA|NOPTR, $32

// The bit of each lane.
DATA bits<>+0(SB)/8, $0x0000000200000001
DATA bits<>+8(SB)/8, $0x0000000800000004
DATA bits<>+16(SB)/8, $0x0000002000000010
DATA bits<>+24(SB)/8, $0x0000008000000040
GLOBL bits<>(SB), RODATA|NOPTR, $32

// func compressAVX2(b *batch, in []byte, stride int, active uint32)
//
// First lanes 0 to 7, then the others: R8 points at the lane in the batch, R10 at its
// block.
TEXT ·compressAVX2(SB), NOSPLIT, $0-44
	MOVQ b+0(FP), R8
	MOVQ in_base+8(FP), R10
	MOVQ stride+32(FP), DX
	MOVL active+40(FP), AX
	LEAQ batch_scratch(R8), SI
	LEAQ (DX)(DX*2), CX
	LEAQ ·iv(SB), R11
	MOVQ $2, R12

eight:
	MOVQ R10, BX
	LOAD(0)
	LEAQ 32(R10), BX
	LOAD(8)

	VPBROADCASTD 12(R11), Y11
	VMOVDQU Y11, V11
	VMOVDQU (batch_cvs+0)(R8), Y0
	VMOVDQU (batch_cvs+64)(R8), Y1
	VMOVDQU (batch_cvs+128)(R8), Y2
	VMOVDQU (batch_cvs+192)(R8), Y3
	VMOVDQU (batch_cvs+256)(R8), Y4
	VMOVDQU (batch_cvs+320)(R8), Y5
	VMOVDQU (batch_cvs+384)(R8), Y6
	VMOVDQU (batch_cvs+448)(R8), Y7
	VPBROADCASTD 0(R11), Y8
	VPBROADCASTD 4(R11), Y9
	VPBROADCASTD 8(R11), Y10
	VMOVDQU batch_counter(R8), Y12
	VPXOR Y13, Y13, Y13
	VMOVDQU batch_length(R8), Y14
	VMOVDQU batch_flags(R8), Y15
	ROUNDS

	INTO(VPXOR, Y8, Y9, Y10, V11, Y0, Y1, Y2, Y3)
	INTO(VPXOR, Y12, Y13, Y14, Y15, Y4, Y5, Y6, Y7)
	VMOVD AX, X8
	VPBROADCASTD X8, Y8
	VPAND bits<>(SB), Y8, Y8
	VPCMPEQD bits<>(SB), Y8, Y8
	VPMASKMOVD Y0, Y8, (batch_cvs+0)(R8)
	VPMASKMOVD Y1, Y8, (batch_cvs+64)(R8)
	VPMASKMOVD Y2, Y8, (batch_cvs+128)(R8)
	VPMASKMOVD Y3, Y8, (batch_cvs+192)(R8)
	VPMASKMOVD Y4, Y8, (batch_cvs+256)(R8)
	VPMASKMOVD Y5, Y8, (batch_cvs+320)(R8)
	VPMASKMOVD Y6, Y8, (batch_cvs+384)(R8)
	VPMASKMOVD Y7, Y8, (batch_cvs+448)(R8)

	SHRL $8, AX
	ADDQ $32, R8
	LEAQ (R10)(DX*8), R10
	DECQ R12
	JNZ  eight
	VZEROUPPER
	RET

// SPREAD puts word i of a block, at BX, into all lanes.
#define SPREAD(i) \
	VPBROADCASTD (4*i)(BX), Y0; \
	VMOVDQU Y0, WORD(i)

// OUT adds word i of the output blocks to the total. UPPER adds word i+8.
#define OUT(i, lo, hi) \
	VPXOR hi, lo, lo; \
	VPADDW (32*i)(AX), lo, lo; \
	VMOVDQU lo, (32*i)(AX)

#define UPPER(i, hi) \
	VPBROADCASTD (batch_cvs+64*i)(R8), Y0; \
	VPXOR hi, Y0, Y0; \
	VPADDW (32*i+256)(AX), Y0, Y0; \
	VMOVDQU Y0, (32*i+256)(AX)

// func mixAVX2(total *Hash, b *batch, in []byte, stride, n int)
//
// A Y register's lanes are eight output blocks of one account. A register of output
// is a row of the total, and VPADDW adds it as the two words of a Hash that each lane
// is.
//
//	AX  total, eight blocks of it    R8   the account's lane in the batch
//	BX  block of the account         R10  counters of the eight blocks
//	SI  batch.scratch                R11  IV
//	DX  from block to block          R12  accounts to go
//	                                 CX   times eight blocks to go
TEXT ·mixAVX2(SB), NOSPLIT, $0-56
	MOVQ  b+8(FP), R8
	MOVQ  in_base+16(FP), BX
	MOVQ  stride+40(FP), DX
	MOVQ  n+48(FP), R12
	TESTQ R12, R12
	JLE   done
	LEAQ  batch_scratch(R8), SI
	LEAQ  ·iv(SB), R11

lane:
	MOVQ total+0(FP), AX
	LEAQ ·counters(SB), R10
	MOVQ $4, CX
	SPREAD(0); SPREAD(1); SPREAD(2); SPREAD(3)
	SPREAD(4); SPREAD(5); SPREAD(6); SPREAD(7)
	SPREAD(8); SPREAD(9); SPREAD(10); SPREAD(11)
	SPREAD(12); SPREAD(13); SPREAD(14); SPREAD(15)

eight:
	VPBROADCASTD 12(R11), Y11
	VMOVDQU Y11, V11
	VPBROADCASTD (batch_cvs+0)(R8), Y0
	VPBROADCASTD (batch_cvs+64)(R8), Y1
	VPBROADCASTD (batch_cvs+128)(R8), Y2
	VPBROADCASTD (batch_cvs+192)(R8), Y3
	VPBROADCASTD (batch_cvs+256)(R8), Y4
	VPBROADCASTD (batch_cvs+320)(R8), Y5
	VPBROADCASTD (batch_cvs+384)(R8), Y6
	VPBROADCASTD (batch_cvs+448)(R8), Y7
	VPBROADCASTD 0(R11), Y8
	VPBROADCASTD 4(R11), Y9
	VPBROADCASTD 8(R11), Y10
	VMOVDQU (R10), Y12
	VPXOR Y13, Y13, Y13
	VPBROADCASTD batch_length(R8), Y14
	VPBROADCASTD batch_flags(R8), Y15
	ROUNDS

	OUT(0, Y0, Y8)
	OUT(1, Y1, Y9)
	OUT(2, Y2, Y10)
	OUT(3, Y3, V11)
	OUT(4, Y4, Y12)
	OUT(5, Y5, Y13)
	OUT(6, Y6, Y14)
	OUT(7, Y7, Y15)
	UPPER(0, Y8)
	UPPER(1, Y9)
	UPPER(2, Y10)
	UPPER(3, V11)
	UPPER(4, Y12)
	UPPER(5, Y13)
	UPPER(6, Y14)
	UPPER(7, Y15)
	ADDQ $512, AX
	ADDQ $32, R10
	DECQ CX
	JNZ  eight

	ADDQ DX, BX
	ADDQ $4, R8
	DECQ R12
	JNZ  lane
	VZEROUPPER

done:
	RET
