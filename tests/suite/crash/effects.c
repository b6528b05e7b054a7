/*
 * Counts what one process changes in the world, and lets one change go wrong.
 *
 * Preloaded into the program under test. `EFFECTS` is "LOG ALIVE AT FAULT": every effect becomes a line of LOG, with its
 * number, its name and its path; at the effect with the number AT (0 is none) the fault happens:
 *
 *   before  the process is killed instead
 *   after   the process is killed as soon as it is done
 *   once    it fails: EIO for data, EROFS for names, EAGAIN for processes
 *   full    it and every later one that needs room fails with ENOSPC
 *   frozen  it and every later one fails with EROFS
 *   tidy    before it, git throws away every object that no branch holds
 *
 * Every process that this one starts inherits the writing end of the named pipe ALIVE, so that its reader sees when the
 * last of them is gone. What does not go through libc is caught as well: a seccomp filter traps the system calls that
 * the program's own text makes, and no other's, so that programs started later are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum kind { NAME, ROOM, DATA, PROCESS, PEER };
enum fault { NONE, BEFORE, AFTER, ONCE, FULL, FROZEN, TIDY };

static int log_fd = -1;
static pid_t self;
static long at;
static enum fault fault;
static atomic_long effects;

static void die(void) {
    for (;;) syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

/* To its end; a lock that the program holds may stop it. */
static void tidy(void) {
    pid_t child = ((pid_t(*)(void))dlsym(RTLD_NEXT, "fork"))();
    if (child == 0) {
        unsetenv("LD_PRELOAD");
        int null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) dup2(null, fd);
        execlp("git", "git", "gc", "--quiet", "--prune=now", (char *)NULL);
        _exit(127);
    }
    int status;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
}

static int fails(enum kind kind, long number) {
    if (fault == ONCE && number == at)
        return kind == PROCESS ? EAGAIN : kind == PEER ? ECONNREFUSED : kind == DATA ? EIO : EROFS;
    if (number < at) return 0;
    if (fault == FULL && (kind == ROOM || kind == DATA)) return ENOSPC;
    if (fault == FROZEN && kind != PROCESS && kind != PEER) return EROFS;
    return 0;
}

/* Counts an effect. Answers whether it may happen: 0, or -1 with errno set. `last` becomes 1 where it is the last. */
static int effect(enum kind kind, const char *name, const char *path, int *last) {
    *last = 0;
    if (log_fd < 0 || syscall(SYS_getpid) != self) return 0;
    int saved = errno;
    long number = atomic_fetch_add(&effects, 1) + 1;
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", number, name, path);
    if (length >= (int)sizeof line) length = sizeof line - 1;
    syscall(SYS_write, log_fd, line, length);
    if (at && number == at && fault == BEFORE) die();
    if (at && number == at && fault == TIDY) tidy();
    if (at && number == at && fault == AFTER) *last = 1;
    int error = at ? fails(kind, number) : 0;
    errno = error ? error : saved;
    return error ? -1 : 0;
}

static int is_file(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode));
}

static const char *path_of(int fd, char *into) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 1);
    into[length < 0 ? 0 : length] = 0;
    return into;
}

static const char *below(int dir, const char *path, char *into) {
    if (path[0] == '/' || dir == AT_FDCWD) return path;
    char base[PATH_MAX];
    snprintf(into, PATH_MAX, "%s/%s", path_of(dir, base), path);
    return into;
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) die();
    return found;
}

/* The effect, then the call itself, then the end where the fault wants it. */
#define DO(type, kind, name, path, call)                    \
    do {                                                    \
        int last;                                           \
        if (effect(kind, name, path, &last)) return -1;     \
        type result = (call);                               \
        if (last) die();                                    \
        return result;                                      \
    } while (0)

static int writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)); }

/* Opening a file to write is an effect where it makes or empties one. What is no file is none of ours. */
static int open_any(int dir, const char *path, int flags, mode_t mode, const char *symbol) {
    char whole[PATH_MAX];
    struct stat found;
    int there = fstatat(dir, path, &found, 0) == 0;
    int last = 0;
    if (writes(flags) && (!there || S_ISREG(found.st_mode))) {
        const char *name = there ? "open" : "create";
        if (effect(there ? NAME : ROOM, name, below(dir, path, whole), &last)) return -1;
    }
    (void)symbol;
    int fd = syscall(SYS_openat, dir, path, flags, mode);
    if (last) die();
    return fd;
}

#define MODE(flags, mode)                                   \
    mode_t mode = 0;                                        \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                  \
        va_list more;                                       \
        va_start(more, flags);                              \
        mode = va_arg(more, mode_t);                        \
        va_end(more);                                       \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode); return open_any(AT_FDCWD, path, flags, mode, "open"); }
int open64(const char *path, int flags, ...) { MODE(flags, mode); return open_any(AT_FDCWD, path, flags, mode, "open64"); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags, mode); return open_any(dir, path, flags, mode, "openat"); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags, mode); return open_any(dir, path, flags, mode, "openat64"); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, "creat"); }

#define ON_FILE(type, kind, name, fd, call)                 \
    do {                                                    \
        char whole[PATH_MAX];                               \
        if (log_fd < 0 || !is_file(fd)) return (call);      \
        DO(type, kind, name, path_of(fd, whole), call);     \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) { ON_FILE(ssize_t, DATA, "write", fd, syscall(SYS_write, fd, bytes, count)); }
ssize_t writev(int fd, const struct iovec *parts, int count) { ON_FILE(ssize_t, DATA, "write", fd, syscall(SYS_writev, fd, parts, count)); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t place) { ON_FILE(ssize_t, DATA, "write", fd, syscall(SYS_pwrite64, fd, bytes, count, place)); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t place) { ON_FILE(ssize_t, DATA, "write", fd, syscall(SYS_pwrite64, fd, bytes, count, place)); }
int ftruncate(int fd, off_t size) { ON_FILE(int, DATA, "truncate", fd, syscall(SYS_ftruncate, fd, size)); }
int ftruncate64(int fd, off64_t size) { ON_FILE(int, DATA, "truncate", fd, syscall(SYS_ftruncate, fd, size)); }
int fsync(int fd) { ON_FILE(int, DATA, "sync", fd, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { ON_FILE(int, DATA, "sync", fd, syscall(SYS_fdatasync, fd)); }
int fchmod(int fd, mode_t mode) { ON_FILE(int, NAME, "chmod", fd, syscall(SYS_fchmod, fd, mode)); }
int chmod(const char *path, mode_t mode) { DO(int, NAME, "chmod", path, syscall(SYS_fchmodat, AT_FDCWD, path, mode)); }

/* A file mapped to be written changes without a call: then the harness must say so. */
void *mmap(void *where, size_t size, int may, int flags, int fd, off_t place) {
    char whole[PATH_MAX];
    int last;
    if (log_fd >= 0 && fd >= 0 && (flags & MAP_TYPE) != MAP_PRIVATE && (may & PROT_WRITE) && is_file(fd) &&
        effect(DATA, "map", path_of(fd, whole), &last))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, where, size, may, flags, fd, place);
}
void *mmap64(void *where, size_t size, int may, int flags, int fd, off64_t place) { return mmap(where, size, may, flags, fd, place); }

#define AT2(kind, name, dir, path, call)                    \
    do {                                                    \
        char whole[PATH_MAX];                               \
        DO(int, kind, name, below(dir, path, whole), call); \
    } while (0)

int renameat2(int d, const char *from, int e, const char *to, unsigned flags) { AT2(NAME, "rename", e, to, syscall(SYS_renameat2, d, from, e, to, flags)); }
int rename(const char *from, const char *to) { DO(int, NAME, "rename", to, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); }
int renameat(int d, const char *from, int e, const char *to) { AT2(NAME, "rename", e, to, syscall(SYS_renameat2, d, from, e, to, 0)); }
int linkat(int d, const char *from, int e, const char *to, int flags) { AT2(ROOM, "link", e, to, syscall(SYS_linkat, d, from, e, to, flags)); }
int link(const char *from, const char *to) { DO(int, ROOM, "link", to, syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); }
int symlinkat(const char *from, int e, const char *to) { AT2(ROOM, "symlink", e, to, syscall(SYS_symlinkat, from, e, to)); }
int symlink(const char *from, const char *to) { DO(int, ROOM, "symlink", to, syscall(SYS_symlinkat, from, AT_FDCWD, to)); }
int mkdirat(int d, const char *path, mode_t mode) { AT2(ROOM, "mkdir", d, path, syscall(SYS_mkdirat, d, path, mode)); }
int mkdir(const char *path, mode_t mode) { DO(int, ROOM, "mkdir", path, syscall(SYS_mkdirat, AT_FDCWD, path, mode)); }
int unlinkat(int d, const char *path, int flags) { AT2(NAME, "unlink", d, path, syscall(SYS_unlinkat, d, path, flags)); }
int unlink(const char *path) { DO(int, NAME, "unlink", path, syscall(SYS_unlinkat, AT_FDCWD, path, 0)); }
int remove(const char *path) {
    struct stat found;
    int flags = lstat(path, &found) == 0 && S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0;
    DO(int, NAME, "unlink", path, syscall(SYS_unlinkat, AT_FDCWD, path, flags));
}
int rmdir(const char *path) { DO(int, NAME, "unlink", path, syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR)); }

int connect(int fd, const struct sockaddr *peer, socklen_t length) { DO(int, PEER, "connect", "", syscall(SYS_connect, fd, peer, length)); }

pid_t fork(void) {
    int last;
    if (effect(PROCESS, "fork", "", &last)) return -1;
    pid_t child = REAL(fork)();
    if (child > 0 && last) die();
    return child;
}

#define SPAWN(symbol)                                                                                               \
    typedef int symbol##_type(int *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, \
                              char *const[], char *const[]);                                                        \
    int symbol(int *child, const char *path, const posix_spawn_file_actions_t *actions,                            \
               const posix_spawnattr_t *attributes, char *const words[], char *const variables[]) {                \
        int last;                                                                                                   \
        if (effect(PROCESS, "spawn", path, &last)) return errno;                                                    \
        int error = ((symbol##_type *)real(#symbol))(child, path, actions, attributes, words, variables);           \
        if (last) die();                                                                                            \
        return error;                                                                                               \
    }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

/* What the program's own text asks of the kernel, past libc. */
static const int TRAPPED[] = {
    SYS_renameat2, SYS_renameat, SYS_linkat, SYS_symlinkat, SYS_unlinkat, SYS_mkdirat, SYS_ftruncate, SYS_fsync,
    SYS_fdatasync, SYS_write, SYS_writev, SYS_pwrite64, SYS_openat, SYS_fchmod, SYS_connect, SYS_clone,
    SYS_execve, SYS_copy_file_range, SYS_fallocate, SYS_truncate, SYS_mknodat, SYS_pwritev, SYS_sendfile, SYS_splice,
#ifdef __x86_64__
    SYS_rename, SYS_link, SYS_symlink, SYS_unlink, SYS_rmdir, SYS_mkdir, SYS_open, SYS_creat, SYS_chmod, SYS_fork,
    SYS_vfork,
#endif
};

#ifdef __x86_64__
static void trapped(int signal, siginfo_t *information, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    long a = r[REG_RDI], b = r[REG_RSI], c = r[REG_RDX], d = r[REG_R10], e = r[REG_R8];
    long result = -1;
    int saved = errno, last;
    (void)signal;
    switch (information->si_syscall) {
    case SYS_rename: result = rename((char *)a, (char *)b); break;
    case SYS_renameat: result = renameat(a, (char *)b, c, (char *)d); break;
    case SYS_renameat2: result = renameat2(a, (char *)b, c, (char *)d, e); break;
    case SYS_link: result = link((char *)a, (char *)b); break;
    case SYS_linkat: result = linkat(a, (char *)b, c, (char *)d, e); break;
    case SYS_unlink: result = unlink((char *)a); break;
    case SYS_unlinkat: result = unlinkat(a, (char *)b, c); break;
    case SYS_rmdir: result = rmdir((char *)a); break;
    case SYS_mkdir: result = mkdir((char *)a, b); break;
    case SYS_mkdirat: result = mkdirat(a, (char *)b, c); break;
    case SYS_open: result = open((char *)a, b, c); break;
    case SYS_openat: result = openat(a, (char *)b, c, d); break;
    case SYS_write: result = write(a, (void *)b, c); break;
    case SYS_writev: result = writev(a, (void *)b, c); break;
    case SYS_fsync: result = fsync(a); break;
    case SYS_fdatasync: result = fdatasync(a); break;
    case SYS_ftruncate: result = ftruncate(a, b); break;
    case SYS_connect: result = connect(a, (void *)b, c); break;
    default: effect(NAME, "ESCAPED", "a system call past libc that this file does not know", &last); die();
    }
    r[REG_RAX] = result < 0 ? -errno : result;
    errno = saved;
}

static int first_object(struct dl_phdr_info *object, size_t size, void *into) {
    uint64_t *range = into;
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        range[0] = object->dlpi_addr + part->p_vaddr;
        range[1] = range[0] + part->p_memsz;
    }
    return 1;
}

#define WORD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define POINTER offsetof(struct seccomp_data, instruction_pointer)

/* Traps the calls that come from addresses `from`..`to`, which share their upper half. */
static int trap_range(uint64_t from, uint64_t to) {
    enum { COUNT = sizeof TRAPPED / sizeof *TRAPPED };
    struct sock_filter filter[COUNT + 16];
    int n = 0;
    struct sock_filter head[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, from >> 32, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, POINTER),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)from, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(to - 1), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        WORD(nr),
    };
    memcpy(filter, head, sizeof head);
    n = sizeof head / sizeof *head;
    for (int i = 0; i < COUNT; i++)
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRAPPED[i], COUNT - i, 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {.len = n, .filter = filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int trap(void) {
    uint64_t range[2] = {0, 0};
    dl_iterate_phdr(first_object, range);
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    if (!range[0] || sigaction(SIGSYS, &action, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    uint64_t border = (range[0] | 0xffffffffu) + 1;
    if (range[1] > border) return trap_range(range[0], border) || trap_range(border, range[1]);
    return trap_range(range[0], range[1]);
}
#else
static int trap(void) { return -1; }
#endif

__attribute__((constructor)) static void begin(void) {
    static const char *NAMES[] = {"none", "before", "after", "once", "full", "frozen", "tidy"};
    const char *told = getenv("EFFECTS");
    char log[PATH_MAX], alive[PATH_MAX], word[16];
    if (!told || strcmp(program_invocation_short_name, "deployctl")) return;
    if (sscanf(told, "%4095s %4095s %ld %15s", log, alive, &at, word) != 4) die();
    for (unsigned i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (!strcmp(word, NAMES[i])) fault = i;
    self = syscall(SYS_getpid);
    /* Not closed when another program is started: that is its whole purpose. */
    if (syscall(SYS_openat, AT_FDCWD, alive, O_WRONLY | O_NONBLOCK) < 0) die();
    log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) die();
    if (trap()) dprintf(log_fd, "0 UNTRAPPED what the program asks past libc is not seen\n");
}
