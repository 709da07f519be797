#include "go_asm.h"
#include "textflag.h"

// BLAKE3's compression in sixteen lanes: a Z register holds one 32-bit word of
// each. compress has the block's words in Z0-Z15 and the state, v0 to v15, in
// Z16-Z31. mix has two states, in Z0-Z15 and Z16-Z31, and the block in memory: a
// rotation can go to half of the vector units only, and all four columns of a
// state come to it at the same time, so a second state keeps the others busy.
//
// The rounds take the order of the block's words from the caller, so that nothing
// moves between rounds, and the operation that adds a word: VPADDD for a
// register, VPADDD.BCST for a word in memory that is the same for all lanes.

// ROTATE rotates the four words of a row to the right.
#define ROTATE(n, w0, w1, w2, w3) \
	VPRORD $n, w0, w0; VPRORD $n, w1, w1; VPRORD $n, w2, w2; VPRORD $n, w3, w3

// INTO applies an operation to four words, each with another of four.
#define INTO(op, x0, x1, x2, x3, w0, w1, w2, w3) \
	op x0, w0, w0; op x1, w1, w1; op x2, w2, w2; op x3, w3, w3

// MIX is half of BLAKE3's G, which is the same twice but for the rotations, in four
// columns at once. The word of the block has been added to a.
#define MIX(r0, r1, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3) \
	INTO(VPADDD, b0, b1, b2, b3, a0, a1, a2, a3); \
	INTO(VPXORD, a0, a1, a2, a3, d0, d1, d2, d3); \
	ROTATE(r0, d0, d1, d2, d3);                   \
	INTO(VPADDD, d0, d1, d2, d3, c0, c1, c2, c3); \
	INTO(VPXORD, c0, c1, c2, c3, b0, b1, b2, b3); \
	ROTATE(r1, b0, b1, b2, b3)

// COLUMNS and DIAGONALS are the two halves of a round, for the state in Z16-Z31.
// COLUMNS0 and DIAGONALS0 are for the state in Z0-Z15.
#define COLUMNS(add, m0, m1, m2, m3, m4, m5, m6, m7) \
	INTO(add, m0, m2, m4, m6, Z16, Z17, Z18, Z19); \
	MIX(16, 12, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31); \
	INTO(add, m1, m3, m5, m7, Z16, Z17, Z18, Z19); \
	MIX(8, 7, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)

#define DIAGONALS(add, m8, m9, m10, m11, m12, m13, m14, m15) \
	INTO(add, m8, m10, m12, m14, Z16, Z17, Z18, Z19); \
	MIX(16, 12, Z16, Z17, Z18, Z19, Z21, Z22, Z23, Z20, Z26, Z27, Z24, Z25, Z31, Z28, Z29, Z30); \
	INTO(add, m9, m11, m13, m15, Z16, Z17, Z18, Z19); \
	MIX(8, 7, Z16, Z17, Z18, Z19, Z21, Z22, Z23, Z20, Z26, Z27, Z24, Z25, Z31, Z28, Z29, Z30)

#define COLUMNS0(add, m0, m1, m2, m3, m4, m5, m6, m7) \
	INTO(add, m0, m2, m4, m6, Z0, Z1, Z2, Z3); \
	MIX(16, 12, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15); \
	INTO(add, m1, m3, m5, m7, Z0, Z1, Z2, Z3); \
	MIX(8, 7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)

#define DIAGONALS0(add, m8, m9, m10, m11, m12, m13, m14, m15) \
	INTO(add, m8, m10, m12, m14, Z0, Z1, Z2, Z3); \
	MIX(16, 12, Z0, Z1, Z2, Z3, Z5, Z6, Z7, Z4, Z10, Z11, Z8, Z9, Z15, Z12, Z13, Z14); \
	INTO(add, m9, m11, m13, m15, Z0, Z1, Z2, Z3); \
	MIX(8, 7, Z0, Z1, Z2, Z3, Z5, Z6, Z7, Z4, Z10, Z11, Z8, Z9, Z15, Z12, Z13, Z14)

#define ROUND(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15) \
	COLUMNS(VPADDD, m0, m1, m2, m3, m4, m5, m6, m7); \
	DIAGONALS(VPADDD, m8, m9, m10, m11, m12, m13, m14, m15)

// BOTH is a round of both states, with the block at (SI).
#define AT(word) (4*word)(SI)
#define BOTH(m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15) \
	COLUMNS0(VPADDD.BCST, AT(m0), AT(m1), AT(m2), AT(m3), AT(m4), AT(m5), AT(m6), AT(m7)); \
	COLUMNS(VPADDD.BCST, AT(m0), AT(m1), AT(m2), AT(m3), AT(m4), AT(m5), AT(m6), AT(m7)); \
	DIAGONALS0(VPADDD.BCST, AT(m8), AT(m9), AT(m10), AT(m11), AT(m12), AT(m13), AT(m14), AT(m15)); \
	DIAGONALS(VPADDD.BCST, AT(m8), AT(m9), AT(m10), AT(m11), AT(m12), AT(m13), AT(m14), AT(m15))

// PAIRS is the first step of the transposition: rows r and s, which are blocks,
// become words 0, 1, 4, 5, ... of both in lo and 2, 3, 6, 7, ... in hi.
#define PAIRS(r, s, lo, hi) \
	VPUNPCKLDQ s, r, lo; \
	VPUNPCKHDQ s, r, hi

// FOURS is the second: x and y are the lo of two pairs, or the hi. What comes out
// is one word of four blocks in each quarter of the register.
#define FOURS(x, y, lo, hi) \
	VPUNPCKLQDQ y, x, lo; \
	VPUNPCKHQDQ y, x, hi

// QUARTERS is the third: the quarters of four such registers become a word of all
// sixteen blocks, and the fourth, eighth and twelfth word after it.
#define QUARTERS(x0, x1, x2, x3) \
	VSHUFI32X4 $0x44, x1, x0, Z16;  \
	VSHUFI32X4 $0x44, x3, x2, Z17;  \
	VSHUFI32X4 $0xee, x1, x0, Z18;  \
	VSHUFI32X4 $0xee, x3, x2, Z19;  \
	VSHUFI32X4 $0x88, Z17, Z16, x0; \
	VSHUFI32X4 $0xdd, Z17, Z16, x1; \
	VSHUFI32X4 $0x88, Z19, Z18, x2; \
	VSHUFI32X4 $0xdd, Z19, Z18, x3

// LOAD reads the block of every lane, the first at (SI), the next DX bytes on, and
// transposes them: Z0 is word 0 of each. It clobbers CX, BX and the state.
#define LOAD \
	LEAQ (DX)(DX*2), CX; \
	MOVQ SI, BX; \
	VMOVDQU32 (BX), Z0;          VMOVDQU32 (BX)(DX*1), Z1;    \
	VMOVDQU32 (BX)(DX*2), Z2;    VMOVDQU32 (BX)(CX*1), Z3;    \
	LEAQ (BX)(DX*4), BX; \
	VMOVDQU32 (BX), Z4;          VMOVDQU32 (BX)(DX*1), Z5;    \
	VMOVDQU32 (BX)(DX*2), Z6;    VMOVDQU32 (BX)(CX*1), Z7;    \
	LEAQ (BX)(DX*4), BX; \
	VMOVDQU32 (BX), Z8;          VMOVDQU32 (BX)(DX*1), Z9;    \
	VMOVDQU32 (BX)(DX*2), Z10;   VMOVDQU32 (BX)(CX*1), Z11;   \
	LEAQ (BX)(DX*4), BX; \
	VMOVDQU32 (BX), Z12;         VMOVDQU32 (BX)(DX*1), Z13;   \
	VMOVDQU32 (BX)(DX*2), Z14;   VMOVDQU32 (BX)(CX*1), Z15;   \
	PAIRS(Z0, Z1, Z16, Z17); PAIRS(Z2, Z3, Z18, Z19);         \
	PAIRS(Z4, Z5, Z20, Z21); PAIRS(Z6, Z7, Z22, Z23);         \
	PAIRS(Z8, Z9, Z24, Z25); PAIRS(Z10, Z11, Z26, Z27);       \
	PAIRS(Z12, Z13, Z28, Z29); PAIRS(Z14, Z15, Z30, Z31);     \
	FOURS(Z16, Z18, Z0, Z1); FOURS(Z17, Z19, Z2, Z3);         \
	FOURS(Z20, Z22, Z4, Z5); FOURS(Z21, Z23, Z6, Z7);         \
	FOURS(Z24, Z26, Z8, Z9); FOURS(Z25, Z27, Z10, Z11);       \
	FOURS(Z28, Z30, Z12, Z13); FOURS(Z29, Z31, Z14, Z15);     \
	QUARTERS(Z0, Z4, Z8, Z12);  QUARTERS(Z1, Z5, Z9, Z13);    \
	QUARTERS(Z2, Z6, Z10, Z14); QUARTERS(Z3, Z7, Z11, Z15)

DATA ·iv+0(SB)/4, $0x6a09e667
DATA ·iv+4(SB)/4, $0xbb67ae85
DATA ·iv+8(SB)/4, $0x3c6ef372
DATA ·iv+12(SB)/4, $0xa54ff53a
GLOBL ·iv(SB), RODATA|NOPTR, $16

DATA ·counters+0(SB)/8, $0x0000000100000000
DATA ·counters+8(SB)/8, $0x0000000300000002
DATA ·counters+16(SB)/8, $0x0000000500000004
DATA ·counters+24(SB)/8, $0x0000000700000006
DATA ·counters+32(SB)/8, $0x0000000900000008
DATA ·counters+40(SB)/8, $0x0000000b0000000a
DATA ·counters+48(SB)/8, $0x0000000d0000000c
DATA ·counters+56(SB)/8, $0x0000000f0000000e
DATA ·counters+64(SB)/8, $0x0000001100000010
DATA ·counters+72(SB)/8, $0x0000001300000012
DATA ·counters+80(SB)/8, $0x0000001500000014
DATA ·counters+88(SB)/8, $0x0000001700000016
DATA ·counters+96(SB)/8, $0x0000001900000018
DATA ·counters+104(SB)/8, $0x0000001b0000001a
DATA ·counters+112(SB)/8, $0x0000001d0000001c
DATA ·counters+120(SB)/8, $0x0000001f0000001e
GLOBL ·counters(SB), RODATA|NOPTR, $128

// func compressAVX512(b *batch, in []byte, stride int, active uint32)
//
// The mask keeps the chaining values of the other lanes.
TEXT ·compressAVX512(SB), NOSPLIT, $0-44
	MOVQ  b+0(FP), DI
	MOVQ  in_base+8(FP), SI
	MOVQ  stride+32(FP), DX
	MOVL  active+40(FP), AX
	KMOVW AX, K1
	LEAQ  ·iv(SB), R8
	LOAD

	VMOVDQU32 (batch_cvs+0)(DI), Z16
	VMOVDQU32 (batch_cvs+64)(DI), Z17
	VMOVDQU32 (batch_cvs+128)(DI), Z18
	VMOVDQU32 (batch_cvs+192)(DI), Z19
	VMOVDQU32 (batch_cvs+256)(DI), Z20
	VMOVDQU32 (batch_cvs+320)(DI), Z21
	VMOVDQU32 (batch_cvs+384)(DI), Z22
	VMOVDQU32 (batch_cvs+448)(DI), Z23
	VPBROADCASTD 0(R8), Z24
	VPBROADCASTD 4(R8), Z25
	VPBROADCASTD 8(R8), Z26
	VPBROADCASTD 12(R8), Z27
	VMOVDQU32 batch_counter(DI), Z28
	VPXORD Z29, Z29, Z29
	VMOVDQU32 batch_length(DI), Z30
	VMOVDQU32 batch_flags(DI), Z31

	ROUND(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	ROUND(Z2, Z6, Z3, Z10, Z7, Z0, Z4, Z13, Z1, Z11, Z12, Z5, Z9, Z14, Z15, Z8)
	ROUND(Z3, Z4, Z10, Z12, Z13, Z2, Z7, Z14, Z6, Z5, Z9, Z0, Z11, Z15, Z8, Z1)
	ROUND(Z10, Z7, Z12, Z9, Z14, Z3, Z13, Z15, Z4, Z0, Z11, Z2, Z5, Z8, Z1, Z6)
	ROUND(Z12, Z13, Z9, Z11, Z15, Z10, Z14, Z8, Z7, Z2, Z5, Z3, Z0, Z1, Z6, Z4)
	ROUND(Z9, Z14, Z11, Z5, Z8, Z12, Z15, Z1, Z13, Z3, Z0, Z10, Z2, Z6, Z4, Z7)
	ROUND(Z11, Z15, Z5, Z0, Z1, Z9, Z8, Z6, Z14, Z10, Z2, Z12, Z3, Z4, Z7, Z13)

	INTO(VPXORD, Z24, Z25, Z26, Z27, Z16, Z17, Z18, Z19)
	INTO(VPXORD, Z28, Z29, Z30, Z31, Z20, Z21, Z22, Z23)
	VMOVDQU32 Z16, K1, (batch_cvs+0)(DI)
	VMOVDQU32 Z17, K1, (batch_cvs+64)(DI)
	VMOVDQU32 Z18, K1, (batch_cvs+128)(DI)
	VMOVDQU32 Z19, K1, (batch_cvs+192)(DI)
	VMOVDQU32 Z20, K1, (batch_cvs+256)(DI)
	VMOVDQU32 Z21, K1, (batch_cvs+320)(DI)
	VMOVDQU32 Z22, K1, (batch_cvs+384)(DI)
	VMOVDQU32 Z23, K1, (batch_cvs+448)(DI)
	VZEROUPPER
	RET

// SHARED puts into batch.scratch what the 32 output blocks of a lane have in common.
// They differ in v12 only, the counter. So three of the four columns of the first
// round are the same for all, and some of what its diagonals begin with, and are
// computed here for sixteen accounts at once. Row by row, where the state is that
// before the columns in rows 0 and 1 and that after them in the others:
//
//	 0  v0+v4+m0             8  v11
//	 1  v0+v4+m0+m1          9  v6
//	 2  v5+m8               10  v2+v7+m12+m13
//	 3  v15                 11  (v13^(v2+v7+m12))>>>16
//	 4  v10                 12  v7
//	 5  v5                  13  v3+m14
//	 6  v1+v6+m10           14  v14
//	 7  v1+v6+m10+m11       15  v9
#define KEEP(i, w) VMOVDQU32 w, (batch_scratch+64*i)(DI)
#define SHARED \
	VPADDD Z20, Z16, Z16; VPADDD Z0, Z16, Z16; KEEP(0, Z16);  \
	VPADDD Z1, Z16, Z16; KEEP(1, Z16);                        \
	VPADDD Z2, Z17, Z17; VPADDD Z4, Z18, Z18; VPADDD Z6, Z19, Z19; \
	MIX3(16, 12); \
	VPADDD Z3, Z17, Z17; VPADDD Z5, Z18, Z18; VPADDD Z7, Z19, Z19; \
	MIX3(8, 7); \
	KEEP(3, Z31); KEEP(4, Z26); KEEP(5, Z21);                 \
	KEEP(8, Z27); KEEP(9, Z22); KEEP(12, Z23);                \
	KEEP(14, Z30); KEEP(15, Z25);                             \
	VPADDD Z8, Z21, Z21; KEEP(2, Z21);                        \
	VPADDD Z22, Z17, Z17; VPADDD Z10, Z17, Z17; KEEP(6, Z17); \
	VPADDD Z11, Z17, Z17; KEEP(7, Z17);                       \
	VPADDD Z23, Z18, Z18; VPADDD Z12, Z18, Z18;               \
	VPXORD Z18, Z29, Z29; VPRORD $16, Z29, Z29; KEEP(11, Z29); \
	VPADDD Z13, Z18, Z18; KEEP(10, Z18);                      \
	VPADDD Z14, Z19, Z19; KEEP(13, Z19)

// MIX3 is MIX for the last three columns.
#define MIX3(r0, r1) \
	VPADDD Z21, Z17, Z17; VPADDD Z22, Z18, Z18; VPADDD Z23, Z19, Z19; \
	VPXORD Z17, Z29, Z29; VPXORD Z18, Z30, Z30; VPXORD Z19, Z31, Z31; \
	VPRORD $r0, Z29, Z29; VPRORD $r0, Z30, Z30; VPRORD $r0, Z31, Z31; \
	VPADDD Z29, Z25, Z25; VPADDD Z30, Z26, Z26; VPADDD Z31, Z27, Z27; \
	VPXORD Z25, Z21, Z21; VPXORD Z26, Z22, Z22; VPXORD Z27, Z23, Z23; \
	VPRORD $r1, Z21, Z21; VPRORD $r1, Z22, Z22; VPRORD $r1, Z23, Z23

// FIRST is the rest of the first round, for the sixteen output blocks whose counters
// are at the offset from R10. R8 and R9 point at the account's lane in the scratch
// and in the chaining values, R11 at the IV.
#define FIXED(i) (64*i)(R8)
#define FIRST(counters, v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15) \
	VPBROADCASTD FIXED(0), v0;                             \
	VPXORD counters(R10), v0, v12;                         \
	VPRORD $16, v12, v12;                                  \
	VPADDD.BCST (R11), v12, v8;                            \
	VPXORD.BCST 256(R9), v8, v4;                           \
	VPRORD $12, v4, v4;                                    \
	VPADDD.BCST FIXED(1), v4, v0;                          \
	VPXORD v0, v12, v12;                                   \
	VPRORD $8, v12, v12;                                   \
	VPADDD v12, v8, v8;                                    \
	VPXORD v8, v4, v4;                                     \
	VPRORD $7, v4, v4;                                     \
	VPADDD.BCST FIXED(2), v0, v0;                          \
	VPXORD.BCST FIXED(3), v0, v15;                         \
	VPXORD.BCST FIXED(6), v12, v12;                        \
	VPADDD.BCST FIXED(13), v4, v3;                         \
	VPXORD.BCST FIXED(14), v3, v14;                        \
	VPRORD $16, v15, v15;                                  \
	VPRORD $16, v12, v12;                                  \
	VPRORD $16, v14, v14;                                  \
	VPADDD.BCST FIXED(4), v15, v10;                        \
	VPADDD.BCST FIXED(8), v12, v11;                        \
	VPADDD.BCST FIXED(11), v8, v8;                         \
	VPADDD.BCST FIXED(15), v14, v9;                        \
	VPXORD.BCST FIXED(5), v10, v5;                         \
	VPXORD.BCST FIXED(9), v11, v6;                         \
	VPXORD.BCST FIXED(12), v8, v7;                         \
	VPXORD v9, v4, v4;                                     \
	ROTATE(12, v5, v6, v7, v4);                            \
	VPADDD.BCST AT(9), v0, v0;                             \
	VPADDD v5, v0, v0;                                     \
	VPADDD.BCST FIXED(7), v6, v1;                          \
	VPADDD.BCST FIXED(10), v7, v2;                         \
	VPADDD.BCST AT(15), v3, v3;                            \
	VPADDD v4, v3, v3;                                     \
	VPXORD v0, v15, v15;                                   \
	VPXORD v1, v12, v12;                                   \
	VPXORD.BCST FIXED(11), v2, v13;                        \
	VPXORD v3, v14, v14;                                   \
	ROTATE(8, v15, v12, v13, v14);                         \
	INTO(VPADDD, v15, v12, v13, v14, v10, v11, v8, v9);    \
	INTO(VPXORD, v10, v11, v8, v9, v5, v6, v7, v4);        \
	ROTATE(7, v5, v6, v7, v4)

// OUT adds word i of the output blocks, and word i+8, to the total.
#define OUT(half, i, lo, hi) \
	VPXORD hi, lo, lo;                        \
	VPXORD.BCST (64*i)(R9), hi, hi;           \
	VPADDW (1024*half+64*i)(AX), lo, lo;      \
	VPADDW (1024*half+64*i+512)(AX), hi, hi;  \
	VMOVDQU32 lo, (1024*half+64*i)(AX);       \
	VMOVDQU32 hi, (1024*half+64*i+512)(AX)

// func mixAVX512(total *Hash, b *batch, in []byte, stride, n int)
//
// From here on a Z register's lanes are sixteen output blocks of one account, with
// the counters 0 to 15 in the first state and 16 to 31 in the second. A register of
// output is a row of the total, and VPADDW adds it as the two words of a Hash that
// each lane is.
//
//	AX  total                      R8   scratch of the account
//	DI  batch                      R9   chaining value of the account
//	SI  block of the account       R10  counters
//	DX  from block to block        R11  IV
//	                               R12  accounts to go
TEXT ·mixAVX512(SB), NOSPLIT, $0-56
	MOVQ  total+0(FP), AX
	MOVQ  b+8(FP), DI
	MOVQ  in_base+16(FP), SI
	MOVQ  stride+40(FP), DX
	MOVQ  n+48(FP), R12
	TESTQ R12, R12
	JLE   done
	LEAQ  ·iv(SB), R11
	LEAQ  ·counters(SB), R10
	LOAD

	VMOVDQU32 (batch_cvs+0)(DI), Z16
	VMOVDQU32 (batch_cvs+64)(DI), Z17
	VMOVDQU32 (batch_cvs+128)(DI), Z18
	VMOVDQU32 (batch_cvs+192)(DI), Z19
	VMOVDQU32 (batch_cvs+256)(DI), Z20
	VMOVDQU32 (batch_cvs+320)(DI), Z21
	VMOVDQU32 (batch_cvs+384)(DI), Z22
	VMOVDQU32 (batch_cvs+448)(DI), Z23
	VPBROADCASTD 4(R11), Z25
	VPBROADCASTD 8(R11), Z26
	VPBROADCASTD 12(R11), Z27
	VPXORD Z29, Z29, Z29
	VMOVDQU32 batch_length(DI), Z30
	VMOVDQU32 batch_flags(DI), Z31
	SHARED

	LEAQ batch_scratch(DI), R8
	LEAQ batch_cvs(DI), R9

lane:
	FIRST(0, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	FIRST(64, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31)
	BOTH(2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
	BOTH(3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1)
	BOTH(10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6)
	BOTH(12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4)
	BOTH(9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7)
	BOTH(11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13)
	OUT(0, 0, Z0, Z8)
	OUT(0, 1, Z1, Z9)
	OUT(0, 2, Z2, Z10)
	OUT(0, 3, Z3, Z11)
	OUT(0, 4, Z4, Z12)
	OUT(0, 5, Z5, Z13)
	OUT(0, 6, Z6, Z14)
	OUT(0, 7, Z7, Z15)
	OUT(1, 0, Z16, Z24)
	OUT(1, 1, Z17, Z25)
	OUT(1, 2, Z18, Z26)
	OUT(1, 3, Z19, Z27)
	OUT(1, 4, Z20, Z28)
	OUT(1, 5, Z21, Z29)
	OUT(1, 6, Z22, Z30)
	OUT(1, 7, Z23, Z31)

	ADDQ DX, SI
	ADDQ $4, R8
	ADDQ $4, R9
	DECQ R12
	JNZ  lane
	VZEROUPPER

done:
	RET
