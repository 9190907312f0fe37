#ifndef SLIPWAY_CLINUX_H
#define SLIPWAY_CLINUX_H
/* Never define _GNU_SOURCE here: it changes types that the Glibc module has already seen. What Glibc's module hides is
   declared by hand instead. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const uint32_t SLIPWAY_EPOLLIN = EPOLLIN, SLIPWAY_EPOLLOUT = EPOLLOUT, SLIPWAY_EPOLLRDHUP = EPOLLRDHUP,
                      SLIPWAY_EPOLLHUP = EPOLLHUP, SLIPWAY_EPOLLERR = EPOLLERR, SLIPWAY_EPOLLET = (uint32_t)EPOLLET;

extern int accept4(int, struct sockaddr *__restrict, socklen_t *__restrict, int);
extern int pipe2(int[2], int);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *__restrict, const char *__restrict);
extern int pthread_setname_np(pthread_t, const char *);
extern void *memmem(const void *, size_t, const void *, size_t);
extern int pipe2(int *, int);

static const int16_t SLIPWAY_SPAWN_SETSID = 0x80;

static inline int slipway_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int slipway_epoll_control(int poll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data = {.u64 = data}};
  return epoll_ctl(poll, operation, fd, &event);
}
static inline int slipway_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int slipway_stream_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static inline int slipway_accept(int fd) { return accept4(fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC); }
static inline ssize_t slipway_send(int fd, const void *bytes, size_t count) {
  return send(fd, bytes, count, MSG_NOSIGNAL);
}
/* Writes the address of a unix socket into `out`; 0 where the path does not fit. */
static inline socklen_t slipway_unix_address(const char *path, struct sockaddr_storage *out) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t count = strlen(path);
  if (count == 0 || count >= sizeof(address.sun_path)) return 0;
  memcpy(address.sun_path, path, count + 1);
  memcpy(out, &address, sizeof(address));
  return (socklen_t)(sizeof(sa_family_t) + count + 1);
}

/* Declared inside: Swift's Glibc has one of the same name. */
static inline char **slipway_environment(void) {
  extern char **environ;
  return environ;
}
/* A descriptor that is readable once the process has ended; -1 where the kernel knows no such thing. */
static inline int slipway_process_descriptor(pid_t process) {
#ifdef SYS_pidfd_open
  return (int)syscall(SYS_pidfd_open, process, 0);
#else
  return (void)process, -1;
#endif
}
/* Has the kernel end this process when the thread that started it ends. */
static inline int slipway_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }
/* Limits of the process: its address space, and that a crash leaves no dump behind. */
static inline int slipway_limit_memory(uint64_t bytes) {
  struct rlimit limit = {bytes, bytes};
  return setrlimit(RLIMIT_AS, &limit);
}
static inline int slipway_forbid_dumps(void) {
  struct rlimit limit = {0, 0};
  return setrlimit(RLIMIT_CORE, &limit);
}

/* Declared by hand, with the first of dl_phdr_info's fields: needs _GNU_SOURCE. Visits what the loader has mapped wholly,
   and keeps it from mapping more meanwhile. */
struct slipway_loaded_object {
  Elf64_Addr address;
  const char *name;
  const Elf64_Phdr *segments;
  Elf64_Half segment_count;
};
extern int slipway_visit_loaded_objects(
    int (*)(const struct slipway_loaded_object *, size_t, void *), void *) __asm__("dl_iterate_phdr");

/* `flock` is a struct and a function in C, and only the former in Swift. */
static inline int slipway_flock(int fd, int operation) { return flock(fd, operation); }

/* Declared by hand: needs _GNU_SOURCE. Asks the kernel to begin writing a range to the disk; promises nothing. */
extern int sync_file_range(int, int64_t, int64_t, unsigned int);
static inline int slipway_start_writeback(int fd, int64_t offset, int64_t count) {
  return sync_file_range(fd, offset, count, 2);
}
/* How many cores the process is bound to; 0 where the kernel doesn't say. 8,192 fit, and a smaller set it would refuse. */
static inline int slipway_bound_cores(void) {
  unsigned long set[8192 / (8 * sizeof(unsigned long))];
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof set, set);
  int count = 0;
  for (long word = 0; word < bytes / (long)sizeof *set; word++) count += __builtin_popcountl(set[word]);
  return count;
}
/* Declared by hand: needs _GNU_SOURCE. Makes everything durable that was written to an open file's file system. */
extern int syncfs(int);
static inline int slipway_sync_filesystem(int fd) { return syncfs(fd); }
static inline int slipway_signalfd(const sigset_t *signals) {
  return signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC);
}
/* The number of the signal that a descriptor of `slipway_signalfd` has, or 0. */
static inline int slipway_read_signal(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}
/* Opens a path below a folder as a process would whose root that folder is: links lead nowhere else. The kernel's structure
   is declared by hand, since its header is not everywhere. */
static inline int slipway_open_in_root(int folder, const char *path, int flags, uint32_t mode) {
  struct {
    uint64_t flags, mode, resolve;
  } how = {(uint64_t)(unsigned)flags | O_CLOEXEC, mode, 0x10 | 0x02};
  return (int)syscall(437, folder, path, &how, sizeof how);
}
/* Sends a signal to the process of a descriptor, and to no later one of its number. */
static inline int slipway_signal_process(int process, int signal) {
  return (int)syscall(424, process, signal, 0, 0);
}
/* The process that holds a lock of the kind that ends with its process, on an open file; 0 where none does, -1 where
   the file says nothing. */
static inline pid_t slipway_lock_holder(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_GETLK, &lock) != 0) return -1;
  return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}
static inline int slipway_inotify(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }
/* Tells of files that come, go, or are let go of after writing, and of writes where `writes` is set. */
static inline int slipway_watch_folder(int inotify, const char *path, int writes) {
  uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;
  return inotify_add_watch(inotify, path, mask | (writes ? IN_MODIFY : 0) | IN_ONLYDIR);
}
/* A file that is in memory alone, and has no name that anybody could open. */
static inline int slipway_memory_file(const char *label) { return (int)syscall(SYS_memfd_create, label, 1 /* MFD_CLOEXEC */); }
#endif
