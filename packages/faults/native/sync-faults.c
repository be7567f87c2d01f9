/*
 * Preloaded into a process, makes its syncs fail, hang or take long, as the file named by TRIREME_SYNC_FILE says at
 * each sync: "fail", "hang" (until the file says otherwise) or "slow <milliseconds>"; anything else, or no file, is none.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_order(char *order, size_t size) {
  order[0] = '\0';
  const char *path = getenv("TRIREME_SYNC_FILE");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  if (file == NULL) return;
  if (fgets(order, (int)size, file) == NULL) order[0] = '\0';
  fclose(file);
}

static int obey(int (*sync)(int), int descriptor) {
  char order[64];
  read_order(order, sizeof order);
  while (strncmp(order, "hang", 4) == 0) {
    usleep(10000);
    read_order(order, sizeof order);
  }
  if (strncmp(order, "fail", 4) == 0) {
    errno = EIO;
    return -1;
  }
  if (strncmp(order, "slow ", 5) == 0) usleep((useconds_t)atoi(order + 5) * 1000);
  return sync(descriptor);
}

int fdatasync(int descriptor) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return obey(next, descriptor);
}

int fsync(int descriptor) {
  static int (*next)(int);
  if (next == NULL) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return obey(next, descriptor);
}
