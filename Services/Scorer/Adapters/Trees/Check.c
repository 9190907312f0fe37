#include "trees_forest.h"

#include <stdlib.h>

/* Nodes yet to be looked at come from a list rather than from recursion: a tree may be as deep as it has nodes. */
static const char *walk(
    const trees_node *nodes, uint32_t count, uint32_t features, uint32_t *culprit, uint8_t *seen, uint32_t *waiting) {
    uint32_t waiting_count = 1;
    waiting[0] = 0;
    seen[0] = 1;
    while (waiting_count > 0) {
        uint32_t place = waiting[--waiting_count];
        const trees_node *node = &nodes[place];
        *culprit = place;
        if (node->flags & TREES_LEAF) continue;
        if (node->feature >= features) return "splits by a feature that the model does not have";
        uint32_t children[2] = {node->left, node->right};
        for (int side = 0; side < 2; ++side) {
            if (children[side] >= count) return "has a child outside of the tree";
            if (seen[children[side]]) return "has a child that is another node's as well, or its own ancestor";
            seen[children[side]] = 1;
            waiting[waiting_count++] = children[side];
        }
    }
    return NULL;
}

const char *trees_check(const trees_node *nodes, uint32_t count, uint32_t features, uint32_t *culprit) {
    *culprit = 0;
    if (count == 0) return "is not there: the tree is empty";
    if (count > TREES_NODES_MAX) return "is one of more than can be read";
    uint8_t *seen = calloc(count, 1);
    uint32_t *waiting = malloc(sizeof *waiting * ((size_t)count + 1));
    const char *problem =
        seen && waiting ? walk(nodes, count, features, culprit, seen, waiting) : "can't be checked: no memory left";
    free(seen);
    free(waiting);
    return problem;
}
