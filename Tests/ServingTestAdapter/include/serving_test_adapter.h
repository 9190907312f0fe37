/* An adapter for tests: models whose file name says how they behave. */
#ifndef SERVING_TEST_ADAPTER_H
#define SERVING_TEST_ADAPTER_H

#include <stdint.h>

/* Entries: a whole adapter, and some that a host must refuse. Types as a host that knows no header sees them. */
const void *serving_test_entry(uint32_t major);
const void *serving_test_entry_none(uint32_t major);
const void *serving_test_entry_other_major(uint32_t major);
const void *serving_test_entry_too_small(uint32_t major);
const void *serving_test_entry_without_execute(uint32_t major);
const void *serving_test_entry_old(uint32_t major);

/* Models and instances that live, and whether an instance ever outlived its model. */
int32_t serving_test_models(void);
int32_t serving_test_instances(void);
int32_t serving_test_disorder(void);
/* Instances that were destroyed on the thread of their own execution. */
int32_t serving_test_destroyed_by_itself(void);
/* The address of the first input of the last execution, and of its first output. */
uint64_t serving_test_input_address(void);
uint64_t serving_test_output_address(void);

#endif
