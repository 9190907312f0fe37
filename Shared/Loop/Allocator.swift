import Glibc

#if canImport(CMimalloc)
    import CMimalloc
#endif

/// The program's allocator: mimalloc where it was installed when the program was built, else the C library's.
enum Allocator {
    /// Gives memory back that a burst has left lying about in small free pieces. Takes milliseconds.
    static func trim() {
        #if canImport(CMimalloc)
            mi_collect(true)
        #else
            malloc_trim(0)
        #endif
    }
}
