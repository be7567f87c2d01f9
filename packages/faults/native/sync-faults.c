/*
 * Preloaded into a process, makes its syncs fail, hang or take longer. At each sync it reads the mode from
 * the file TRIREME_SYNC_FILE: "fail", "hang" (until the file changes) or "slow <milliseconds>"; otherwise
 * syncs are normal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_mode(char *mode, size_t size) {
  mode[0] = '\0';
  const char *path = getenv("TRIREME_SYNC_FILE");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  if (file == NULL) return;
  if (fgets(mode, (int)size, file) == NULL) mode[0] = '\0';
  fclose(file);
}

static int sync_in_mode(int (*sync)(int), int descriptor) {
  char mode[64];
  read_mode(mode, sizeof mode);
  while (strncmp(mode, "hang", 4) == 0) {
    usleep(10000);
    read_mode(mode, sizeof mode);
  }
  if (strncmp(mode, "fail", 4) == 0) {
    errno = EIO;
    return -1;
  }
  if (strncmp(mode, "slow ", 5) == 0) usleep((useconds_t)atoi(mode + 5) * 1000);
  return sync(descriptor);
}

int fdatasync(int descriptor) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return sync_in_mode(next, descriptor);
}

int fsync(int descriptor) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return sync_in_mode(next, descriptor);
}
