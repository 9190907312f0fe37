import CLinux
import Glibc

/// Pages of code that only the start needed.
///
/// Half of what an idle scorer keeps resident is code that ran once: settings, the runtime's look through all types, the
/// libraries' beginnings. They are the files' pages and nobody writes them, so the kernel takes them back without a loss
/// and maps those that are needed again from its cache, at about a microsecond for sixteen of them.
package enum StartupPages {
    /// Gives them back. Other threads may run and load libraries meanwhile. A debugger's breakpoint that was set before
    /// is lost.
    ///
    /// The loader is asked, not the kernel: while a library is being mapped, the kernel may show as code what becomes the
    /// library's data a moment later, and what was relocated there would be lost with its pages. The loader tells of a
    /// library when it is mapped wholly.
    package static func giveBack() {
        _ = slipway_visit_loaded_objects(
            { object, _, _ in
                if let object { StartupPages.giveBack(object.pointee) }
                return 0
            }, nil)
    }

    private static func giveBack(_ object: slipway_loaded_object) {
        let segments = UnsafeBufferPointer(start: object.segments, count: Int(object.segment_count))
        // Code that is relocated, which is rare, is no more the file's.
        guard !segments.contains(where: { $0.p_type == PT_DYNAMIC && relocatesCode($0, of: object) }) else { return }
        // What the kernel brought along has no file.
        if let name = object.name, name.pointee != 0, strchr(name, Int32(UInt8(ascii: "/"))) == nil { return }
        for segment in segments where segment.p_type == PT_LOAD && segment.p_flags & UInt32(PF_X | PF_W) == PF_X {
            let page = UInt(getpagesize())
            let begin = UInt(object.address) + UInt(segment.p_vaddr)
            let first = (begin + page - 1) / page * page
            let end = (begin + UInt(segment.p_filesz)) / page * page
            guard first < end else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: first), Int(end - first), MADV_DONTNEED)
        }
    }

    private static func relocatesCode(_ dynamic: Elf64_Phdr, of object: slipway_loaded_object) -> Bool {
        guard let entries = UnsafePointer<Elf64_Dyn>(bitPattern: UInt(object.address) + UInt(dynamic.p_vaddr)) else {
            return false
        }
        for entry in UnsafeBufferPointer(start: entries, count: Int(dynamic.p_memsz) / MemoryLayout<Elf64_Dyn>.stride) {
            switch Int32(truncatingIfNeeded: entry.d_tag) {
            case DT_NULL: return false
            case DT_TEXTREL: return true
            case DT_FLAGS where entry.d_un.d_val & UInt64(DF_TEXTREL) != 0: return true
            default: continue
            }
        }
        return false
    }
}
