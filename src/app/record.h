/* What an output folder says of its run: the deck, the files it read, how far it came. Kept in summary.json (or in a
 * file like it), from the moment a run takes the folder. */
#ifndef WB_APP_RECORD_H
#define WB_APP_RECORD_H
#include <cjson/cJSON.h>

#include "app.h"

#define WB_RECORD_UNKNOWN "unknown" /* contents of a file that cannot be read, or of a folder */

typedef struct {
  bool found;
  char *file;   /* that said it */
  char *status; /* "running", "stopped", "failed", "done"; NULL: not said (an older program, a result file alone) */
  char *command, *deck; /* deck: as resolved then */
  char *inputs;         /* as wb_record_inputs made it; NULL: not said */
  char *runs;           /* JSON array of what the program did here so far; NULL: none */
} WbRunRecord;

/* Collective. Of OUT/name; where that says nothing, of the first of the n result files that is there and keeps its
 * deck. Freed with wb_record_free. Errors: WB_ERR_INPUT (a result that cannot be read). */
PetscErrorCode wb_record_read(WbApp *app, const char *name, int n, const char *const *files, WbRunRecord *record);
void wb_record_free(WbRunRecord *record);

/* Collective. One line for each file that the command's keys name and that a continued run must find unchanged: key and
 * hash of its contents. Large files are sampled: 512 blocks of 64 kB, evenly spread, and the size. Caller frees.
 * Errors: WB_ERR_INPUT (wildcards without a match). */
PetscErrorCode wb_record_inputs(WbApp *app, char **inputs);
/* Whose keys count: a forecast from a file of 20 m fields does what sr does. */
const char *wb_record_command(const WbApp *app);
/* Not collective. Is what was resolved now the same run as the record's? *changes out: the keys that differ and may, as
 * "key before -> now, ..." ("" : none); caller frees. *grows out: there is more to do than before. Errors:
 * WB_ERR_INPUT, ALL (another command; a key or a file that may not change: names the first, with both values). */
PetscErrorCode wb_record_compare(const WbApp *app, const WbRunRecord *record, char **changes, bool *grows);

/* Not collective. Adds to root: status, version, command, ranks, deck, inputs, and sessions, the runs of the program
 * so far and this one. */
void wb_record_add(const WbApp *app, const char *status, cJSON *root);
/* Not collective. The summary.json that is there, without a city, or an empty object; for rank 0, which writes. */
cJSON *wb_record_summary(const WbApp *app);
/* Collective. The record alone: a run without other numbers for its summary is done. */
PetscErrorCode wb_record_done(WbApp *app);
#endif
