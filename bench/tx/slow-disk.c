// A disk that takes longer: every flush of PostgreSQL's log waits FLUSH_US microseconds more.
//
//   cc -shared -fPIC -o slow-disk.so bench/tx/slow-disk.c
//   FLUSH_US=5000 LD_PRELOAD=$PWD/slow-disk.so npm run bench -- tx --only strategies --callers 16
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int file) {
  int (*flush)(int) = dlsym(RTLD_NEXT, "fdatasync");
  const char *longer = getenv("FLUSH_US");
  if (longer) usleep(atoi(longer));
  return flush(file);
}
