#include "Forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

trees_forest *trees_forest_make(const trees_manners *manners) {
    trees_forest *forest = calloc(1, sizeof *forest);
    if (!forest) return NULL;
    forest->manners = *manners;
    size_t features = manners->features ? manners->features : 1;
    forest->slot_of_feature = malloc(features * sizeof *forest->slot_of_feature);
    forest->zero_of_feature = calloc(features, 1);
    if (!forest->slot_of_feature || !forest->zero_of_feature || manners->features > TREES_FEATURES_MAX) {
        trees_forest_free(forest);
        return NULL;
    }
    memset(forest->slot_of_feature, 0xff, features * sizeof *forest->slot_of_feature);
    return forest;
}

void trees_forest_free(trees_forest *forest) {
    if (!forest) return;
    free(forest->nodes);
    free(forest->trees);
    free(forest->words);
    free(forest->slot_of_feature);
    free(forest->zero_of_feature);
    free(forest->features);
    free(forest->slot_zero_missing);
    free(forest->groups);
    free(forest->group_starts);
    free(forest);
}

/* Room for `more` elements behind `count`. */
static bool reserve(void **array, uint32_t count, uint32_t *capacity, uint32_t more, size_t element) {
    uint64_t wanted = (uint64_t)count + more;
    if (wanted <= *capacity) return true;
    if (wanted > TREES_NODES_MAX) return false;
    uint64_t grown = *capacity < 64 ? 64 : (uint64_t)*capacity * 2;
    if (grown < wanted) grown = wanted;
    /* Nodes begin a cache line. */
    void *moved = aligned_alloc(64, (grown * element + 63) / 64 * 64);
    if (!moved) return false;
    if (count) memcpy(moved, *array, count * element);
    free(*array);
    *array = moved;
    *capacity = (uint32_t)grown;
    return true;
}

/* The slot of a feature; UINT32_MAX where memory runs out. */
static uint32_t slot_of(trees_forest *forest, uint32_t feature) {
    uint32_t slot = forest->slot_of_feature[feature];
    if (slot != UINT32_MAX) return slot;
    if (!reserve(
            (void **)&forest->features, forest->slot_count, &forest->slot_capacity, 1, sizeof *forest->features)) {
        return UINT32_MAX;
    }
    slot = forest->slot_count++;
    forest->features[slot] = feature;
    forest->slot_of_feature[feature] = slot;
    return slot;
}

static bool place_decision(trees_forest *forest, forest_node *placed, const trees_node *node) {
    uint32_t slot = slot_of(forest, node->feature);
    if (slot == UINT32_MAX) return false;
    placed->slot = slot | (node->flags & TREES_MISSING_RIGHT ? SLOT_MISSING_RIGHT : 0);
    placed->threshold = node->threshold;
    if (!(node->flags & TREES_SET)) {
        forest->zero_of_feature[node->feature] |= node->flags & TREES_ZERO_MISSING ? 1 : 2;
        return true;
    }
    if (!reserve(
            (void **)&forest->words, forest->word_count, &forest->word_capacity, node->set_words + 1,
            sizeof *forest->words)) {
        return false;
    }
    forest_set set = {forest->word_count, node->set_words};
    if (node->set_words) memcpy(forest->words + set.first, node->set, node->set_words * sizeof *node->set);
    forest->word_count += node->set_words;
    memcpy(&placed->threshold, &set, sizeof set);
    placed->slot |= SLOT_SET;
    forest->zero_of_feature[node->feature] |= 2;
    forest->has_sets = true;
    return true;
}

/* Levels in a row, siblings side by side: `order` has for each placed pair the nodes it came from. */
static bool place_tree(
    trees_forest *forest, forest_tree *tree, const trees_node *nodes, uint32_t *order, uint32_t *depths) {
    uint32_t begin = tree->root, end = begin + 2, last_depth = 0;
    uint64_t leaf_count = 0, leaf_depths = 0;
    order[0] = 0;
    order[1] = UINT32_MAX;
    depths[0] = depths[1] = 0;
    for (uint32_t place = begin; place < end; ++place) {
        forest_node *placed = &forest->nodes[place];
        *placed = (forest_node){0, 0, place};
        uint32_t source = order[place - begin];
        /* The gap beside the root is never reached. */
        if (source == UINT32_MAX) continue;
        const trees_node *node = &nodes[source];
        uint32_t depth = depths[place - begin];
        if (node->flags & TREES_LEAF) {
            placed->threshold = node->threshold;
            placed->slot = SLOT_PLACE;
            leaf_count += 1;
            leaf_depths += depth;
            if (depth > last_depth) last_depth = depth;
            continue;
        }
        if (!place_decision(forest, placed, node)) return false;
        placed->left = end;
        order[end - begin] = node->left;
        order[end - begin + 1] = node->right;
        depths[end - begin] = depths[end - begin + 1] = depth + 1;
        end += 2;
    }
    forest->node_count = end;
    tree->depth = last_depth;
    tree->typical = (uint32_t)(leaf_depths / leaf_count);
    if (last_depth > forest->depth) forest->depth = last_depth;
    return true;
}

bool trees_forest_add(trees_forest *forest, uint32_t output, const trees_node *nodes, uint32_t count) {
    if (!reserve(
            (void **)&forest->nodes, forest->node_count, &forest->node_capacity, count + 2, sizeof *forest->nodes)
        || !reserve(
            (void **)&forest->trees, forest->tree_count, &forest->tree_capacity, 1, sizeof *forest->trees)) {
        return false;
    }
    uint32_t *order = malloc(sizeof *order * ((size_t)count + 2) * 2);
    if (!order) return false;
    forest_tree tree = {.root = forest->node_count, .output = output};
    bool placed = place_tree(forest, &tree, nodes, order, order + count + 2);
    free(order);
    if (placed) forest->trees[forest->tree_count++] = tree;
    return placed;
}

trees_size trees_forest_size(const trees_forest *forest) {
    uint64_t bytes = sizeof *forest + (uint64_t)forest->node_capacity * sizeof *forest->nodes
        + (uint64_t)forest->tree_capacity * sizeof *forest->trees
        + (uint64_t)forest->word_capacity * sizeof *forest->words
        + (uint64_t)forest->group_count * sizeof *forest->groups + (uint64_t)forest->slot_count * 5;
    return (trees_size){forest->tree_count, forest->node_count, forest->depth, forest->slot_count, bytes};
}

void trees_forest_visit(
    const trees_forest *forest,
    void (*visit)(void *context, uint32_t feature, double threshold, const uint32_t *set, uint32_t set_words),
    void *context) {
    for (uint32_t place = 0; place < forest->node_count; ++place) {
        const forest_node *node = &forest->nodes[place];
        uint32_t slot = node->slot & SLOT_PLACE;
        if (node->left == place || slot >= forest->slot_count) continue;
        if (node->slot & SLOT_SET) {
            forest_set set;
            memcpy(&set, &node->threshold, sizeof set);
            visit(context, forest->features[slot], 0, forest->words + set.first, set.words);
        } else {
            visit(context, forest->features[slot], node->threshold, NULL, 0);
        }
    }
}
