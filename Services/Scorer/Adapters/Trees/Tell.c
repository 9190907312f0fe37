#include "trees_proof.h"

/* A count with commas. */
static void add_count(adapter_text *text, uint64_t count) {
    if (count >= 1000) {
        add_count(text, count / 1000);
        adapter_text_format(text, ",%03u", (unsigned)(count % 1000));
    } else {
        adapter_text_format(text, "%u", (unsigned)count);
    }
}

void trees_tell(
    adapter_description *description, const trees_forest *forest, const trees_verdict *verdict, uint64_t library_from) {
    adapter_text text = {0};
    add_count(&text, verdict->rows);
    adapter_description_fact(
        description, "evaluator", "own (bit-equal on %s rows; %.1f µs against %.1f µs a row)",
        adapter_text_string(&text), verdict->own_us, verdict->library_us);
    adapter_text_free(&text);
    add_count(&text, library_from);
    adapter_description_fact(
        description, "library_from", "%s%s", library_from ? adapter_text_string(&text) : "never",
        library_from ? " rows, from where on it is faster" : "");
    adapter_text_free(&text);
    trees_size size = trees_forest_size(forest);
    adapter_description_fact(
        description, "trees", "%u, with %u nodes, up to %u deep", size.trees, size.nodes, size.depth);
}
