# Philox4x64-10, a counter-based random number generator (Salmon et al., SC11, doi:10.1145/2063384.2063405).
# Stream (seed, group, site, draw) is numpy.random.Philox(key=[seed, group], counter=[0, draw, site, 0]), number by number.
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <math.h>
    #ifndef GENARRIS_FW_PHILOX
    #define GENARRIS_FW_PHILOX

    typedef struct {
        uint64_t key[2], counter[3], out[4];
        int used;           /* how many of out[] are consumed */
        int has_spare;      /* a second normal number is waiting */
        double spare;
    } philox_stream;

    static inline void philox_open(philox_stream *s, uint64_t seed, uint64_t group, uint64_t draw,
                                   uint64_t site) {
        s->key[0] = seed; s->key[1] = group;
        s->counter[0] = 0; s->counter[1] = draw; s->counter[2] = site;
        s->used = 4; s->has_spare = 0;
    }

    static inline void philox_block(philox_stream *s) {
        const uint64_t m0 = 0xD2E7470EE14C6C93ULL, m1 = 0xCA5A826395121157ULL;
        uint64_t k0 = s->key[0], k1 = s->key[1];
        uint64_t c0 = ++s->counter[0], c1 = s->counter[1], c2 = s->counter[2], c3 = 0;
        for (int round = 0; round < 10; ++round) {
            const unsigned __int128 p0 = (unsigned __int128)m0 * c0, p1 = (unsigned __int128)m1 * c2;
            c0 = (uint64_t)(p1 >> 64) ^ c1 ^ k0; c1 = (uint64_t)p1;
            c2 = (uint64_t)(p0 >> 64) ^ c3 ^ k1; c3 = (uint64_t)p0;
            k0 += 0x9E3779B97F4A7C15ULL; k1 += 0xBB67AE8584CAA73BULL;
        }
        s->out[0] = c0; s->out[1] = c1; s->out[2] = c2; s->out[3] = c3;
        s->used = 0;
    }

    static inline uint64_t philox_raw(philox_stream *s) {
        if (s->used == 4) philox_block(s);
        return s->out[s->used++];
    }

    /* uniform in [0, 1), 53 bits */
    static inline double philox_uniform(philox_stream *s) {
        return (double)(philox_raw(s) >> 11) * 0x1p-53;
    }

    /* standard normal, Marsaglia's polar method (SIAM Rev. 6 (1964) 260): |value| < 12.2, as no square is below 2^-107 */
    static inline double philox_normal(philox_stream *s) {
        if (s->has_spare) { s->has_spare = 0; return s->spare; }
        double x, y, square;
        do {
            x = 2.0 * philox_uniform(s) - 1.0; y = 2.0 * philox_uniform(s) - 1.0;
            square = x * x + y * y;
        } while (square >= 1.0 || square == 0.0);
        const double scale = sqrt(-2.0 * log(square) / square);
        s->spare = y * scale; s->has_spare = 1;
        return x * scale;
    }
    #endif
    """
    ctypedef struct philox_stream:
        pass
    void philox_open(philox_stream *stream, uint64_t seed, uint64_t group, uint64_t draw, uint64_t site) noexcept nogil
    uint64_t philox_raw(philox_stream *stream) noexcept nogil
    double philox_uniform(philox_stream *stream) noexcept nogil
    double philox_normal(philox_stream *stream) noexcept nogil
