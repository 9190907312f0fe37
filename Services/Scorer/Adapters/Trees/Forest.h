/* A forest as it is evaluated. */
#ifndef FOREST_H
#define FOREST_H

#include "trees_forest.h"

/* A node. Siblings lie side by side, the left one at an even place, so that a cache line has both.
 *
 * A leaf is its own left child and asks for the slot behind the values, which holds minus infinity: going on from a
 * leaf stays there. So walks need not ask whether they have arrived, and several go in step. */
typedef struct forest_node {
    double threshold; /* of a leaf, its value; of a set, its place and words */
    uint32_t slot;    /* where the row's value is; with the flags below */
    uint32_t left;
} forest_node;

#define SLOT_MISSING_RIGHT 0x80000000u
#define SLOT_SET 0x40000000u
#define SLOT_PLACE 0x3fffffffu

typedef struct forest_set {
    uint32_t first; /* in forest.words */
    uint32_t words;
} forest_set;
_Static_assert(sizeof(forest_set) == sizeof(double), "a set takes the place of a threshold");

typedef struct forest_tree {
    uint32_t root;
    uint32_t output;
    uint32_t depth;   /* steps to the deepest leaf */
    uint32_t typical; /* steps to most leaves */
} forest_tree;

/* Walks that go in step, and trees of which the leaves are kept until they are added up. */
#define LANES 8
#define CHUNK 256

/* Trees that are walked together for one row: of similar depth, so that none waits. */
typedef struct forest_lane_group {
    uint32_t roots[LANES];
    uint16_t places[LANES]; /* in the chunk; CHUNK where the lane is idle */
    uint32_t steps;         /* to the deepest leaf */
    uint32_t typical;       /* before this many steps, asking whether all have arrived does not pay */
} forest_lane_group;

struct trees_forest {
    trees_manners manners;

    forest_node *nodes;
    uint32_t node_count, node_capacity;
    forest_tree *trees;
    uint32_t tree_count, tree_capacity;
    uint32_t *words;
    uint32_t word_count, word_capacity;

    uint32_t *slot_of_feature; /* while trees are added; UINT32_MAX where unused */
    uint8_t *zero_of_feature;  /* 1: zero is missing in some node; 2: is not in some node */
    uint32_t *features;        /* of each slot */
    uint32_t slot_count, slot_capacity;
    bool has_sets, has_zero_missing;
    uint8_t *slot_zero_missing;
    bool reads_straight; /* slots are the row's columns */

    forest_lane_group *groups;
    uint32_t group_count;
    uint32_t *group_starts; /* first group of each chunk, and the end */
    uint32_t chunk_count;
    uint32_t depth;
};

#endif
