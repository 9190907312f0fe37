/* Trees evaluated by ourselves: a call of a framework costs more than the trees do where there are few rows.
 *
 * A forest decides as frameworks do, in doubles, which hold each float exactly: a row goes right where its value is
 * greater than the node's threshold, or is missing and the node sends missing ones right. Leaves are added up in the
 * order of the trees and in the type that the framework adds in, so that sums are equal to the last bit.
 *
 * A forest that is finished is constant: any number of threads may evaluate it.
 */
#ifndef TREES_FOREST_H
#define TREES_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct trees_forest trees_forest;

/* How a framework reads values. */
typedef struct trees_manners {
    uint32_t features; /* columns of a row */
    uint32_t outputs;  /* sums of a row */
    /* Values this close to zero are zero; 0 where only zero is. */
    double zero_within;
    /* A value that means missing, besides NaN; NaN where there is none. */
    double missing;
    /* A category is greater than this, and its fraction is cut off; what is not is in no set. */
    double category_above;
    /* Whether rows in a node's set of categories go right rather than left. */
    bool sets_go_right;
} trees_manners;

#define TREES_LEAF 1u
#define TREES_MISSING_RIGHT 2u
#define TREES_SET 4u          /* decides by a set of categories */
#define TREES_ZERO_MISSING 8u /* zero is missing, in each node of its feature */

/* A node as a framework's model has it. */
typedef struct trees_node {
    uint32_t flags;
    uint32_t feature;
    uint32_t left, right; /* places in the tree's array */
    double threshold;     /* of a leaf, its value */
    const uint32_t *set;  /* bits of categories */
    uint32_t set_words;
} trees_node;

/* The largest numbers of features and nodes that a forest takes. */
#define TREES_FEATURES_MAX (1u << 28)
#define TREES_NODES_MAX (1u << 30)

/* NULL where memory runs out. */
trees_forest *trees_forest_make(const trees_manners *manners);
void trees_forest_free(trees_forest *forest);

/* Whether nodes form a tree: places inside, features inside, none reached twice from the first. NULL, or what is wrong
 * with which node. */
const char *trees_check(const trees_node *nodes, uint32_t count, uint32_t features, uint32_t *culprit);

/* Adds a tree that trees_check has passed; its first node is the root. False where memory runs out. */
bool trees_forest_add(trees_forest *forest, uint32_t output, const trees_node *nodes, uint32_t count);

/* Ends the adding. NULL, or why this forest can't be evaluated here. */
const char *trees_forest_finish(trees_forest *forest);

/* Adds the leaves of each row to its sums, which hold what to begin with: `sums` has `outputs` for each row.
 * False where memory runs out. */
bool trees_forest_sum_f32(const trees_forest *forest, const float *rows, size_t count, float *sums);
bool trees_forest_sum_f64(const trees_forest *forest, const double *rows, size_t count, double *sums);
bool trees_forest_sum_f32_in_f64(const trees_forest *forest, const float *rows, size_t count, double *sums);

/* What a forest consists of, for people and for estimates. */
typedef struct trees_size {
    uint32_t trees;
    uint32_t nodes;
    uint32_t depth;         /* of the deepest leaf */
    uint32_t used_features; /* that any node asks for */
    uint64_t bytes;
} trees_size;
trees_size trees_forest_size(const trees_forest *forest);

/* Calls `visit` with each decision. */
void trees_forest_visit(
    const trees_forest *forest,
    void (*visit)(void *context, uint32_t feature, double threshold, const uint32_t *set, uint32_t set_words),
    void *context);

#endif
