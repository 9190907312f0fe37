/* A replica's root: its image, which it can't change, and the least of a system. Targets of mounts are opened as a process
   would whose root the image is, so that links in the image lead nowhere else. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Declared by hand, since the kernel's header is not everywhere. */
struct open_request {
  uint64_t flags, mode, resolve;
};
static const uint64_t RESOLVE_AS_ROOT = 0x10 | 0x02;
static const unsigned long QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static int inside(int root, const char *path) {
  struct open_request request = {O_PATH | O_CLOEXEC, 0, RESOLVE_AS_ROOT};
  return (int)syscall(SYS_openat2, root, path, &request, sizeof(request));
}

/* Mounts on what is open, whatever its name is by now. */
static int mount_on(int target, const char *source, const char *type, unsigned long flags, const char *options) {
  char path[64];
  if (target < 0) return -1;
  snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
  return mount(source, path, type, flags, options);
}

/* Changes what a mount allows. Flags that it has already may be locked, and stay. */
static int restrict_mount(int target, unsigned long flags) {
  struct statvfs now;
  if (fstatvfs(target, &now) != 0) return -1;
  if (now.f_flag & ST_NOSUID) flags |= MS_NOSUID;
  if (now.f_flag & ST_NODEV) flags |= MS_NODEV;
  if (now.f_flag & ST_NOEXEC) flags |= MS_NOEXEC;
  if (now.f_flag & ST_NOATIME) flags |= MS_NOATIME;
  if (now.f_flag & ST_NODIRATIME) flags |= MS_NODIRATIME;
  if (now.f_flag & ST_RELATIME) flags |= MS_RELATIME;
  return mount_on(target, NULL, NULL, MS_REMOUNT | MS_BIND | flags, NULL);
}

static int bind_on(int target, const char *source) { return mount_on(target, source, NULL, MS_BIND, NULL); }

static int mount_temporary(int root, const char *path, uint64_t bytes) {
  char options[64];
  snprintf(options, sizeof(options), "mode=1777,size=%llu", (unsigned long long)bytes);
  int target = inside(root, path);
  int code = mount_on(target, "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, options);
  if (target >= 0) close(target);
  return code;
}

static int mount_proc(int root) {
  int target = inside(root, "proc");
  int code = mount_on(target, "proc", "proc", QUIET, NULL);
  /* In a container parts of /proc may be hidden, and a new one would show them: then the container's own it is. */
  if (code != 0) code = mount_on(target, "/proc", NULL, MS_BIND | MS_REC, NULL);
  if (target >= 0) close(target);
  return code;
}

static int mount_devices(const struct order *order, int root) {
  static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};
  static const char *const links[][2] = {
      {"/proc/self/fd", "fd"},
      {"/proc/self/fd/0", "stdin"},
      {"/proc/self/fd/1", "stdout"},
      {"/proc/self/fd/2", "stderr"},
  };
  int below = inside(root, "dev");
  if (mount_on(below, "tmpfs", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") != 0) return -1;
  close(below);
  int folder = inside(root, "dev");
  if (folder < 0) return -1;
  for (size_t index = 0; index < sizeof(devices) / sizeof(*devices); index++) {
    char source[32];
    snprintf(source, sizeof(source), "/dev/%s", devices[index]);
    int file = openat(folder, devices[index], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (bind_on(file, source) != 0) return -1;
    close(file);
  }
  for (size_t index = 0; index < sizeof(links) / sizeof(*links); index++)
    if (symlinkat(links[index][0], folder, links[index][1]) != 0) return -1;
  if (mkdirat(folder, "shm", 0755) != 0) return -1;
  if (restrict_mount(folder, MS_RDONLY | MS_NOSUID | MS_NOEXEC) != 0) return -1;
  close(folder);
  return mount_temporary(root, "dev/shm", order->temporary_bytes);
}

/* What a replica needs of the machine's own files; one that is missing is done without. */
static void mount_names(int root) {
  static const char *const files[] = {"etc/resolv.conf", "etc/hosts"};
  for (size_t index = 0; index < sizeof(files) / sizeof(*files); index++) {
    char source[32];
    snprintf(source, sizeof(source), "/%s", files[index]);
    int target = inside(root, files[index]);
    if (target < 0) continue;
    if (bind_on(target, source) == 0) {
      close(target);
      target = inside(root, files[index]);
      if (target >= 0) restrict_mount(target, MS_RDONLY | QUIET);
    }
    if (target >= 0) close(target);
  }
}

static int mount_own_folder(const struct order *order, int root) {
  char source[4096];
  snprintf(source, sizeof(source), "%s/run", order->folder);
  int target = inside(root, "run/slipway");
  if (bind_on(target, source) != 0) return -1;
  close(target);
  target = inside(root, "run/slipway");
  int code = target < 0 ? -1 : restrict_mount(target, QUIET);
  if (target >= 0) close(target);
  return code;
}

static int change_root(int root) {
  if (fchdir(root) != 0) return -1;
  /* The old root comes to lie over the new one, and is taken off. */
  if (syscall(SYS_pivot_root, ".", ".") == 0) return umount2(".", MNT_DETACH) == 0 ? chdir("/") : -1;
  /* The kernel's first file system can't be put aside. */
  if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) return -1;
  return chdir("/");
}

const char *root_check(void) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return "mounts can't be made private";
  if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0) return "nothing can be mounted";
  if (mkdir("/tmp/proc", 0755) != 0) return "a folder can't be made";
  int folder = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return mount_proc(folder) != 0 ? "/proc can't be mounted" : NULL;
}

const char *root_enter(const struct order *order) {
  if (unshare(CLONE_NEWNS) != 0) return "root a namespace of mounts";
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return "root private mounts";
  if (mount(order->root, order->root, NULL, MS_BIND, NULL) != 0) return "root the image's root";
  int root = open(order->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || restrict_mount(root, MS_RDONLY | MS_NOSUID | MS_NODEV) != 0) return "root the image's root, read-only";
  if (mount_devices(order, root) != 0) return "root /dev";
  if (mount_temporary(root, "tmp", order->temporary_bytes) != 0) return "root /tmp";
  if (mount_own_folder(order, root) != 0) return "root /run/slipway";
  mount_names(root);
  if (mount_proc(root) != 0) return "root /proc";
  if (change_root(root) != 0) return "root the change of the root";
  return NULL;
}
