/* The most (mask, unit) pairs a second that one core can take: one maximum and one addition for each, operands in L1,
   12 sums in registers, the widest vectors that the compiler was told of. Prints Gelem/s of each of its runs. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 8
typedef __m512d vector;
#define MAX _mm512_max_pd
#define ADD _mm512_add_pd
#define SET _mm512_set1_pd
#define LOAD _mm512_loadu_pd
#define STORE _mm512_storeu_pd
#elif defined(__AVX__)
#define LANES 4
typedef __m256d vector;
#define MAX _mm256_max_pd
#define ADD _mm256_add_pd
#define SET _mm256_set1_pd
#define LOAD _mm256_loadu_pd
#define STORE _mm256_storeu_pd
#else
#define LANES 2
typedef __m128d vector;
#define MAX _mm_max_pd
#define ADD _mm_add_pd
#define SET _mm_set1_pd
#define LOAD _mm_loadu_pd
#define STORE _mm_storeu_pd
#endif

enum { WIDTH = 256, REPEATS = 20000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

int main(int count, char **arguments) {
    static double table[WIDTH] __attribute__((aligned(64)));
    int runs = count > 1 ? atoi(arguments[1]) : 1;
    double check = 0;
    for (int i = 0; i < WIDTH; i++) table[i] = (double)rand() / RAND_MAX - 0.5;
    for (int run = 0; run < runs; run++) {
        vector s0 = SET(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0,
               s11 = s0, a = SET(0.1), b = SET(0.2), c = SET(0.3);
        double begin = now(), lanes[LANES];
        for (long r = 0; r < REPEATS; r++) {
#pragma GCC unroll 1
            for (int l = 0; l < WIDTH; l += 4 * LANES) {
                vector p = LOAD(table + l), q = LOAD(table + l + LANES), x = LOAD(table + l + 2 * LANES),
                       y = LOAD(table + l + 3 * LANES);
                __asm__ volatile("" : "+v"(p), "+v"(q), "+v"(x), "+v"(y)); /* or the maxima would be hoisted */
                s0 = ADD(s0, MAX(p, a)), s1 = ADD(s1, MAX(p, b)), s2 = ADD(s2, MAX(p, c));
                s3 = ADD(s3, MAX(q, a)), s4 = ADD(s4, MAX(q, b)), s5 = ADD(s5, MAX(q, c));
                s6 = ADD(s6, MAX(x, a)), s7 = ADD(s7, MAX(x, b)), s8 = ADD(s8, MAX(x, c));
                s9 = ADD(s9, MAX(y, a)), s10 = ADD(s10, MAX(y, b)), s11 = ADD(s11, MAX(y, c));
            }
        }
        double seconds = now() - begin;
        STORE(lanes, ADD(ADD(ADD(s0, s1), ADD(s2, s3)), ADD(ADD(s4, s5), ADD(ADD(s6, s7), ADD(ADD(s8, s9), ADD(s10, s11))))));
        for (int l = 0; l < LANES; l++) check += lanes[l];
        printf("%.3f\n", 3e-9 * WIDTH * REPEATS / seconds);
    }
    fprintf(stderr, "%d lanes, check %g\n", LANES, check);
    return 0;
}
