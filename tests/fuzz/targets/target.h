/* One source, two programs. With libFuzzer (WB_FUZZ): bytes are edits of a good file, or the file itself. Without: the
 * files named on the command line are read and what came of each is printed, "PATH<tab>CODE<tab>MESSAGE", for
 * tests/fuzz/io/hostile.py; --good PATH writes a good file; --random N SEED does N edits from numbers of its own. */
#ifndef WB_FUZZ_TARGET_H
#define WB_FUZZ_TARGET_H
#include <stdint.h>
#include "edit.h"
#include "windbridge/core.h"

/* What a target gives. */
PetscErrorCode target_write(const char *path); /* a good file, small */
PetscErrorCode target_read(const char *path);  /* as the program reads it */
extern const char *const target_names[];       /* objects in it, NULL at the end */
extern const char *const target_attributes[];

static char good_path[64], fuzz_path[64];

static inline void wb_fuzz_begin(void) {
  static int argc = 1;
  static char name[] = "fuzz", *words[] = {name, NULL}, **argv = words;
  if (PetscInitialize(&argc, &argv, NULL, NULL)) abort();
  if (PetscPopSignalHandler()) abort();
  wb_error_install();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  snprintf(good_path, sizeof good_path, "/dev/shm/wb_fuzz_%d_good", (int)getpid());
  snprintf(fuzz_path, sizeof fuzz_path, "/dev/shm/wb_fuzz_%d_file", (int)getpid());
}

static inline void wb_fuzz_end(void) {
  unlink(good_path);
  unlink(fuzz_path);
}

static inline void copy_file(const char *from, const char *to) {
  static char all[1 << 22];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  const size_t n = in ? fread(all, 1, sizeof all, in) : 0;
  if (!in || !out || fwrite(all, 1, n, out) != n || fclose(out)) abort();
  fclose(in);
}

/* Read, or refused in one line that names the file; all else is a fault. */
static inline void read_and_judge(void) {
  wb_error_clear();
  const PetscErrorCode e = target_read(fuzz_path);
  if (!e) return;
  const char *message = wb_error_message();
  if (e == WB_ERR_INPUT && strstr(message, fuzz_path) && !strchr(message, '\n')) return;
  fprintf(stderr, "code %d, message \"%s\"\n", (int)e, message);
  abort();
}

static inline void wb_fuzz_one(const unsigned char *data, size_t size) {
  Bytes bytes = {data, size};
  if (take(&bytes) % 8 == 7) {
    FILE *f = fopen(fuzz_path, "wb");
    if (!f || fwrite(bytes.at, 1, bytes.left, f) != bytes.left || fclose(f)) abort();
  } else {
    copy_file(good_path, fuzz_path);
    wb_fuzz_edit(fuzz_path, target_names, target_attributes, &bytes);
  }
  read_and_judge();
}

#ifdef WB_FUZZ
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  wb_fuzz_begin();
  atexit(wb_fuzz_end);
  if (target_write(good_path) || target_read(good_path)) {
    fprintf(stderr, "the good file: %s\n", wb_error_message());
    abort();
  }
  return 0;
}
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  wb_fuzz_one(data, size);
  return 0;
}
#else
static inline void random_edits(long n, uint32_t seed) {
  unsigned char data[128];
  copy_file(good_path, fuzz_path);
  for (long i = 0; i < n; i++) {
    const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_TEST};
    for (unsigned k = 0; k < sizeof data / 16; k++) {
      uint32_t words[4];
      wb_random_words(&key, (uint64_t)i * 8 + k, words);
      memcpy(data + 16 * k, words, sizeof words);
    }
    data[0] = 0; /* edits, not raw bytes */
    wb_fuzz_one(data, 8 + data[1] % 120);
  }
}

int main(int argc, char **argv) {
  wb_fuzz_begin();
  PetscErrorCode e = 0;
  if (argc == 3 && strcmp(argv[1], "--good") == 0) {
    e = target_write(argv[2]);
    if (e) fprintf(stderr, "%s\n", wb_error_message());
  } else if (argc == 4 && strcmp(argv[1], "--random") == 0) {
    e = target_write(good_path);
    if (!e) random_edits(strtol(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
  } else {
    for (int i = 1; i < argc; i++) {
      wb_error_clear();
      const PetscErrorCode read = target_read(argv[i]);
      printf("%s\t%d\t%s\n", argv[i], (int)read, read ? wb_error_message() : "");
      fflush(stdout); /* a crash then names the next file */
    }
  }
  wb_fuzz_end();
  return PetscFinalize() || e;
}
#endif
#endif
