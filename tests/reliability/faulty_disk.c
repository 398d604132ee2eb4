/* A disk that fails now and then: loaded before libc into the server by the fault tests.

   While the file named by FAULTY_DISK exists, so many of a thousand writes and syncs of SQLite's
   files fail as the file's first number says; each failure adds a byte to <file>.count. Its second
   number makes every sync of these files last so many milliseconds longer, and each sync then adds
   a byte to <file>.syncs. A third number is for syncs alone, instead of the first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static __thread unsigned int seed;

static int is_database(int fd) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, ".sqlite3") != NULL;
}

static void count(const char *control, const char *what) {
    char path[600];
    snprintf(path, sizeof path, "%s.%s", control, what);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (out < 0) return;
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    real(out, "x", 1);
    close(out);
}

/* Whether this call fails; a sync may take longer besides. */
static int fails(int fd, int is_sync) {
    const char *control = getenv("FAULTY_DISK");
    if (control == NULL || access(control, F_OK) != 0 || !is_database(fd)) return 0;
    int per_mille = 0, milliseconds = 0, of_syncs = -1;
    FILE *file = fopen(control, "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%d %d %d", &per_mille, &milliseconds, &of_syncs) < 1) per_mille = 0;
    fclose(file);
    if (is_sync && of_syncs >= 0) per_mille = of_syncs;
    if (is_sync && milliseconds > 0) {
        usleep((useconds_t)milliseconds * 1000);
        count(control, "syncs");
    }
    if (seed == 0) seed = (unsigned int)(getpid() * 2654435761u) ^ (unsigned int)(size_t)&seed;
    if ((int)(rand_r(&seed) % 1000) >= per_mille) return 0;
    count(control, "count");
    errno = rand_r(&seed) % 2 ? EIO : ENOSPC;
    return 1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return fails(fd, 0) ? -1 : real(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return fails(fd, 0) ? -1 : real(fd, data, size, offset);
}

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return fails(fd, 0) ? -1 : real(fd, data, size);
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    return fails(fd, 1) ? -1 : real(fd);
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return fails(fd, 1) ? -1 : real(fd);
}
