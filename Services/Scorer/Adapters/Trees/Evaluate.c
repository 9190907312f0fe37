#include "Forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a row goes right at a node with a set. */
static bool goes_right(const trees_forest *forest, const forest_node *node, double value) {
    if (isnan(value)) return node->slot & SLOT_MISSING_RIGHT;
    forest_set set;
    memcpy(&set, &node->threshold, sizeof set);
    bool is_in = false;
    if (value > forest->manners.category_above && value < 4294967296.0) {
        uint32_t category = value < 0 ? 0 : (uint32_t)value;
        is_in = category / 32 < set.words && (forest->words[set.first + category / 32] >> category % 32 & 1);
    }
    return is_in == forest->manners.sets_go_right;
}

/* One step of one walk. What a forest or a row can't have is constant where this is used, and costs nothing there. */
__attribute__((always_inline)) static inline uint32_t step(
    const trees_forest *forest, uint32_t place, const double *values, bool has_missing, bool has_sets) {
    const forest_node *node = &forest->nodes[place];
    uint32_t slot = node->slot;
    if (has_sets && (slot & SLOT_SET)) return node->left + goes_right(forest, node, values[slot & SLOT_PLACE]);
    double value = values[slot & SLOT_PLACE];
    uint32_t right = value > node->threshold;
    if (has_missing) right |= (value != value) & (slot >> 31);
    return node->left + right;
}

/* Leaves of a chunk of trees for one row. */
__attribute__((always_inline)) static inline void walk_trees(
    const trees_forest *forest, uint32_t chunk, const double *values, double *leaves, bool has_missing,
    bool has_sets) {
    const forest_lane_group *group = &forest->groups[forest->group_starts[chunk]];
    const forest_lane_group *end = &forest->groups[forest->group_starts[chunk + 1]];
    for (; group < end; ++group) {
        uint32_t places[LANES];
        for (int lane = 0; lane < LANES; ++lane) places[lane] = group->roots[lane];
        uint32_t steps = 0;
        for (; steps < group->typical; ++steps) {
            for (int lane = 0; lane < LANES; ++lane) {
                places[lane] = step(forest, places[lane], values, has_missing, has_sets);
            }
        }
        for (uint32_t moved = 1; moved && steps < group->steps; ++steps) {
            moved = 0;
            for (int lane = 0; lane < LANES; ++lane) {
                uint32_t next = step(forest, places[lane], values, has_missing, has_sets);
                moved |= next ^ places[lane];
                places[lane] = next;
            }
        }
        for (int lane = 0; lane < LANES; ++lane) leaves[group->places[lane]] = forest->nodes[places[lane]].threshold;
    }
}

/* Leaves of one tree for LANES rows, whose values lie `stride` apart. */
__attribute__((always_inline)) static inline void walk_rows(
    const trees_forest *forest, const forest_tree *tree, const double *values, size_t stride, double *leaves,
    bool has_missing, bool has_sets) {
    uint32_t places[LANES];
    for (int lane = 0; lane < LANES; ++lane) places[lane] = tree->root;
    uint32_t steps = 0;
    for (; steps < tree->typical; ++steps) {
        for (int lane = 0; lane < LANES; ++lane) {
            places[lane] = step(forest, places[lane], values + lane * stride, has_missing, has_sets);
        }
    }
    for (uint32_t moved = 1; moved && steps < tree->depth; ++steps) {
        moved = 0;
        for (int lane = 0; lane < LANES; ++lane) {
            uint32_t next = step(forest, places[lane], values + lane * stride, has_missing, has_sets);
            moved |= next ^ places[lane];
            places[lane] = next;
        }
    }
    for (int lane = 0; lane < LANES; ++lane) leaves[lane] = forest->nodes[places[lane]].threshold;
}

static void leaves_of_row(
    const trees_forest *forest, uint32_t chunk, const double *values, bool has_missing, double *leaves) {
    if (forest->has_sets) {
        walk_trees(forest, chunk, values, leaves, true, true);
    } else if (has_missing) {
        walk_trees(forest, chunk, values, leaves, true, false);
    } else {
        walk_trees(forest, chunk, values, leaves, false, false);
    }
}

static void leaves_of_rows(
    const trees_forest *forest, const forest_tree *tree, const double *values, size_t stride, bool has_missing,
    double *leaves) {
    if (forest->has_sets) {
        walk_rows(forest, tree, values, stride, leaves, true, true);
    } else if (has_missing) {
        walk_rows(forest, tree, values, stride, leaves, true, false);
    } else {
        walk_rows(forest, tree, values, stride, leaves, false, false);
    }
}

/* Reads a value as the framework would; true where it is missing. */
static bool settle(const trees_forest *forest, uint32_t slot, double *value) {
    if (fabs(*value) <= forest->manners.zero_within) *value = 0;
    if (*value == forest->manners.missing) *value = NAN;
    if (forest->slot_zero_missing[slot] && *value == 0) *value = NAN;
    return isnan(*value);
}

static bool settle_all(const trees_forest *forest, double *values) {
    const trees_manners *manners = &forest->manners;
    bool has_missing = false;
    if (manners->zero_within == 0 && isnan(manners->missing) && !forest->has_zero_missing) {
        for (uint32_t slot = 0; slot < forest->slot_count; ++slot) has_missing |= values[slot] != values[slot];
    } else if (isnan(manners->missing) && !forest->has_zero_missing) {
        for (uint32_t slot = 0; slot < forest->slot_count; ++slot) {
            values[slot] = fabs(values[slot]) <= manners->zero_within ? 0 : values[slot];
            has_missing |= values[slot] != values[slot];
        }
    } else {
        for (uint32_t slot = 0; slot < forest->slot_count; ++slot) has_missing |= settle(forest, slot, &values[slot]);
    }
    /* Where leaves look. */
    values[forest->slot_count] = -INFINITY;
    return has_missing;
}

/* Room for a block of rows: on the stack for what is usual. */
#define ROOM 1024

#define VALUE float
#define SUM float
#define EVALUATE trees_forest_sum_f32
#include "Evaluate.inc"
#define VALUE double
#define SUM double
#define EVALUATE trees_forest_sum_f64
#include "Evaluate.inc"
#define VALUE float
#define SUM double
#define EVALUATE trees_forest_sum_f32_in_f64
#include "Evaluate.inc"
