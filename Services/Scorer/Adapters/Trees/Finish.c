#include "Forest.h"

#include <math.h>
#include <stdlib.h>

/* The leaves' slot is known only now that all features are. */
static void point_leaves(trees_forest *forest) {
    for (uint32_t place = 0; place < forest->node_count; ++place) {
        forest_node *node = &forest->nodes[place];
        if ((node->slot & SLOT_PLACE) == SLOT_PLACE) node->slot = forest->slot_count;
    }
}

/* Slots in the order of the columns, where there are enough of them to be read in a row. */
static bool order_slots(trees_forest *forest) {
    uint32_t count = forest->slot_count, features = forest->manners.features;
    uint32_t *moved = malloc(sizeof *moved * ((size_t)count + 1));
    if (!moved) return false;
    forest->reads_straight = count >= features - features / 4;
    if (forest->reads_straight) {
        uint32_t *all = malloc(sizeof *all * ((size_t)features + 1));
        if (!all) {
            free(moved);
            return false;
        }
        for (uint32_t feature = 0; feature < features; ++feature) all[feature] = feature;
        for (uint32_t slot = 0; slot < count; ++slot) moved[slot] = forest->features[slot];
        free(forest->features);
        forest->features = all;
        forest->slot_count = features;
    } else {
        uint32_t next = 0;
        for (uint32_t feature = 0; feature < features; ++feature) {
            uint32_t slot = forest->slot_of_feature[feature];
            if (slot != UINT32_MAX) moved[slot] = next++;
        }
        next = 0;
        for (uint32_t feature = 0; feature < features; ++feature) {
            if (forest->slot_of_feature[feature] != UINT32_MAX) forest->features[next++] = feature;
        }
    }
    for (uint32_t place = 0; place < forest->node_count; ++place) {
        forest_node *node = &forest->nodes[place];
        uint32_t slot = node->slot & SLOT_PLACE;
        if (slot != SLOT_PLACE && node->left != place) node->slot = (node->slot & ~SLOT_PLACE) | moved[slot];
    }
    free(moved);
    return true;
}

static const char *note_zeros(trees_forest *forest) {
    forest->slot_zero_missing = calloc((size_t)forest->slot_count + 1, 1);
    if (!forest->slot_zero_missing) return "no memory left";
    for (uint32_t slot = 0; slot < forest->slot_count; ++slot) {
        uint8_t zeros = forest->zero_of_feature[forest->features[slot]];
        if (zeros == 3) return "zero is missing in some nodes of a feature, and a number in others";
        forest->slot_zero_missing[slot] = zeros == 1;
        forest->has_zero_missing |= zeros == 1;
    }
    return NULL;
}

static int by_depth(const void *left, const void *right, void *context) {
    const forest_tree *trees = context;
    const forest_tree *one = &trees[*(const uint16_t *)left], *other = &trees[*(const uint16_t *)right];
    if (one->depth != other->depth) return one->depth < other->depth ? -1 : 1;
    if (one->typical != other->typical) return one->typical < other->typical ? -1 : 1;
    return one < other ? -1 : one > other;
}

static void group_chunk(trees_forest *forest, uint32_t first, uint32_t count) {
    uint16_t order[CHUNK];
    for (uint32_t place = 0; place < count; ++place) order[place] = (uint16_t)place;
    qsort_r(order, count, sizeof *order, by_depth, forest->trees + first);
    for (uint32_t begin = 0; begin < count; begin += LANES) {
        forest_lane_group *group = &forest->groups[forest->group_count++];
        *group = (forest_lane_group){0};
        for (uint32_t lane = 0; lane < LANES; ++lane) {
            bool idle = begin + lane >= count;
            uint16_t place = order[idle ? begin : begin + lane];
            const forest_tree *tree = &forest->trees[first + place];
            group->roots[lane] = tree->root;
            group->places[lane] = idle ? CHUNK : place;
            if (tree->depth > group->steps) group->steps = tree->depth;
            if (tree->typical > group->typical) group->typical = tree->typical;
        }
    }
}

static bool group_trees(trees_forest *forest) {
    uint32_t chunks = (forest->tree_count + CHUNK - 1) / CHUNK;
    forest->groups = calloc((size_t)chunks * (CHUNK / LANES) + 1, sizeof *forest->groups);
    forest->group_starts = calloc((size_t)chunks + 1, sizeof *forest->group_starts);
    if (!forest->groups || !forest->group_starts) return false;
    for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
        uint32_t first = chunk * CHUNK, left = forest->tree_count - first;
        forest->group_starts[chunk] = forest->group_count;
        group_chunk(forest, first, left < CHUNK ? left : CHUNK);
    }
    forest->group_starts[chunks] = forest->group_count;
    forest->chunk_count = chunks;
    return true;
}

const char *trees_forest_finish(trees_forest *forest) {
    for (uint32_t place = 0; place < forest->node_count; ++place) {
        const forest_node *node = &forest->nodes[place];
        if (!(node->slot & SLOT_SET) && isnan(node->threshold)) return "a threshold or a leaf is NaN";
    }
    if (!order_slots(forest)) return "no memory left";
    point_leaves(forest);
    const char *problem = note_zeros(forest);
    if (problem) return problem;
    if (!group_trees(forest)) return "no memory left";
    free(forest->slot_of_feature);
    free(forest->zero_of_feature);
    forest->slot_of_feature = NULL;
    forest->zero_of_feature = NULL;
    return NULL;
}
