import InferenceContracts
import Serving

/// A version's counts and times in the forms of the inference protocol.
enum StatisticsText {
    static func message(_ statistics: ModelStatistics) -> Inference.ModelStatistics {
        var message = Inference.ModelStatistics()
        message.name = statistics.name
        message.version = "\(statistics.version)"
        message.lastInference = statistics.lastInferenceMilliseconds
        message.inferenceCount = statistics.inferences
        message.executionCount = statistics.executions
        var times = Inference.InferStatistics()
        times.success = duration(statistics.success)
        times.fail = duration(statistics.failure)
        times.queue = duration(statistics.queue)
        times.computeInput = duration(statistics.input)
        times.computeInfer = duration(statistics.compute)
        times.computeOutput = duration(statistics.output)
        times.cacheHit = Inference.StatisticDuration()
        times.cacheMiss = Inference.StatisticDuration()
        message.inferenceStats = times
        message.batchStats = statistics.batches.map { batch in
            var part = Inference.InferBatchStatistics()
            part.batchSize = UInt64(batch.size)
            part.computeInput = Inference.StatisticDuration()
            part.computeInfer = duration(batch.compute)
            part.computeOutput = Inference.StatisticDuration()
            return part
        }
        return message
    }

    private static func duration(_ sum: ModelStatistics.Sum) -> Inference.StatisticDuration {
        Inference.StatisticDuration(count: sum.count, ns: sum.nanoseconds)
    }

    static func tree(_ statistics: ModelStatistics) -> JSONTree {
        [
            "name": .string(statistics.name), "version": .string("\(statistics.version)"),
            "last_inference": .integer(statistics.lastInferenceMilliseconds),
            "inference_count": .integer(statistics.inferences),
            "execution_count": .integer(statistics.executions),
            "inference_stats": [
                "success": sum(statistics.success), "fail": sum(statistics.failure), "queue": sum(statistics.queue),
                "compute_input": sum(statistics.input), "compute_infer": sum(statistics.compute),
                "compute_output": sum(statistics.output), "cache_hit": sum(.init()), "cache_miss": sum(.init()),
            ],
            "batch_stats": .array(
                statistics.batches.map { batch in
                    [
                        "batch_size": .integer(batch.size), "compute_input": sum(.init()),
                        "compute_infer": sum(batch.compute), "compute_output": sum(.init()),
                    ]
                }),
        ]
    }

    private static func sum(_ sum: ModelStatistics.Sum) -> JSONTree {
        ["count": .integer(sum.count), "ns": .integer(sum.nanoseconds)]
    }
}
