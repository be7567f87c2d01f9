/*
 * Shuts down a mounted ext4 as a power loss does: data that was not synced, and the unwritten part of the
 * journal, do not reach the disk. The file system returns EIO until it is mounted again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  int descriptor = open(argv[1], O_RDONLY);
  uint32_t how = NO_LOG_FLUSH;
  if (descriptor < 0 || ioctl(descriptor, EXT4_IOC_SHUTDOWN, &how) < 0) {
    perror(argv[1]);
    return 1;
  }
  return 0;
}
