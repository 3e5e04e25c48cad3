/* What an open file holds: variables found and described on first use, attributes read. Collective. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "io_internal.h"

enum { MOST_MISSING_VALUES = 64 };

/* A numeric attribute as double; of a list (at most `most` numbers are allowed) the first. */
static PetscErrorCode read_number(WbNc nc, hid_t object, const char *owner, const char *name, int most, bool *has,
                                  double *value) {
  double all[MOST_MISSING_VALUES];
  int n = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_io_attribute_numbers(object, nc->path, owner, name, most, &n, all));
  *has = n > 0;
  if (*has) *value = all[0];
  PetscFunctionReturn(0);
}

static herr_t collect_name(hid_t group, const char *name, const H5L_info_t *info, void *out) {
  char *list = out;
  const size_t n = strlen(list);
  if (n + strlen(name) + 3 < 400) snprintf(list + n, 400 - n, "%s%s", n ? ", " : "", name);
  return 0;
}

static PetscErrorCode no_variable(WbNc nc, hid_t where, const char *group, const char *name) {
  char list[400] = "";
  PetscFunctionBeginUser;
  H5Literate(where, H5_INDEX_NAME, H5_ITER_INC, NULL, collect_name, list);
  WB_RAISE(WB_ERR_INPUT, "%s has no variable %s in group /%s (found: %s)", nc->path, name, group,
           list[0] ? list : "nothing");
}

/* Type and packing of the dataset v->item. */
static PetscErrorCode describe(WbNc nc, WbIoVar *v) {
  const WbIoItem *item = &v->item;
  PetscFunctionBeginUser;
  PetscCall(wb_io_item_needs_numbers(item));
  v->class = item->class;
  v->size = item->size;
  v->is_signed = item->is_signed;
  v->contiguous = item->contiguous;
  v->rank = item->rank;
  for (int d = 0; d < v->rank; d++) {
    if (item->dims[d] > INT_MAX)
      WB_RAISE(WB_ERR_INPUT, "%s: variable %s has %llu cells along axis %d; at most %d can be read", nc->path, v->name,
               (unsigned long long)item->dims[d], d, INT_MAX);
    v->dims[d] = (int)item->dims[d];
  }
  if (item->class == H5T_FLOAT) {
    v->type = v->size == 4 ? WB_NC_FLOAT : WB_NC_DOUBLE;
  } else {
    v->type = v->size == 1 ? WB_NC_INT8 : v->size == 2 ? WB_NC_INT16 : WB_NC_INT32;
  }
  PetscCall(wb_io_describe_values(nc, v));
  PetscFunctionReturn(0);
}

/* Finds and describes the variable v (its names are set). Local; v->dset stays -1 when there is none and none must be.
 */
static PetscErrorCode look_up(WbNc nc, bool must, WbIoVar *v) {
  hid_t where = -1;
  PetscFunctionBeginUser;
  PetscCall(wb_io_group(nc, v->group, &where));
  PetscErrorCode ierr = wb_io_dataset_open(where, nc->path, "variable", v->name, &v->item);
  if (!ierr && v->item.id < 0 && must) ierr = no_variable(nc, where, v->group, v->name);
  H5Gclose(where);
  if (!ierr && v->item.id >= 0) ierr = describe(nc, v);
  v->dset = v->item.id;
  PetscFunctionReturn(ierr);
}

/* Enters the variable in the table when every rank has found and understood it; else the table stays as it was. */
static PetscErrorCode open_variable(WbNc nc, const char *group, const char *name, bool must, WbIoVar **var) {
  PetscFunctionBeginUser;
  *var = NULL;
  WbIoVar *v = wb_io_new_var(nc);
  PetscErrorCode ierr = 0;
  if (!v) {
    ierr = wb_error_raise(PETSC_ERR_MEM, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "out of memory");
  } else {
    v->attached = true;
    wb_io_group_normalise(group, v->group);
    snprintf(v->name, sizeof(v->name), "%s", name);
    ierr = look_up(nc, must, v);
  }
  ierr = wb_error_agree(nc->comm, ierr);
  if (!ierr && v && v->dset >= 0) *var = v;
  if (v && !*var) {
    if (v->dset >= 0) H5Dclose(v->dset);
    nc->n_var--;
  }
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_var(WbNc nc, const char *group, const char *name, WbIoVar **var) {
  PetscFunctionBeginUser;
  const int known = wb_io_find_var(nc, group, name);
  if (known >= 0) {
    *var = &nc->var[known];
    PetscFunctionReturn(0);
  }
  PetscCall(open_variable(nc, group, name, true, var));
  PetscCheck(*var, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no variable and no error");
  PetscFunctionReturn(0);
}

/* Does the group path exist, part by part? */
static bool group_exists(hid_t file, const char *group) {
  char clean[WB_IO_NAME], path[WB_IO_NAME + 2] = "", *save = NULL;
  wb_io_group_normalise(group, clean);
  for (char *part = strtok_r(clean, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
    const size_t n = strlen(path);
    snprintf(path + n, sizeof(path) - n, "/%s", part);
    if (H5Lexists(file, path, H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

PetscErrorCode wb_nc_has(WbNc nc, const char *group, const char *var, bool *has) {
  WbIoVar *v = NULL;
  PetscFunctionBeginUser;
  *has = wb_io_find_var(nc, group, var) >= 0;
  if (*has || !group_exists(nc->file, group)) PetscFunctionReturn(0);
  PetscCall(open_variable(nc, group, var, false, &v));
  *has = v != NULL;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_inq_dims(WbNc nc, const char *group, const char *var, int *rank, int dims[8]) {
  WbIoVar *v = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_io_var(nc, group, var, &v));
  *rank = v->rank;
  memcpy(dims, v->dims, sizeof(v->dims));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_for_attribute(WbNc nc, const char *group, const char *var, hid_t *id) {
  PetscFunctionBeginUser;
  if (!var) {
    if (!group_exists(nc->file, group)) WB_RAISE_ALL(WB_ERR_INPUT, "%s has no group %s", nc->path, group);
    PetscCall(wb_io_group(nc, group, id));
  } else {
    WbIoVar *v = NULL;
    PetscCall(wb_io_var(nc, group, var, &v));
    *id = v->dset;
    H5Iinc_ref(*id);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_att_real(WbNc nc, const char *group, const char *var, const char *name, bool *has, double *v) {
  hid_t object = -1;
  PetscFunctionBeginUser;
  PetscCall(open_for_attribute(nc, group, var, &object));
  const PetscErrorCode ierr = read_number(nc, object, var, name, 1, has, v);
  H5Idec_ref(object);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_att_text(WbNc nc, const char *group, const char *var, const char *name, bool *has, char *text,
                                  int max) {
  hid_t object = -1;
  char *found = NULL;
  PetscFunctionBeginUser;
  PetscCall(open_for_attribute(nc, group, var, &object));
  const PetscErrorCode ierr = wb_io_attribute_text(object, nc->path, var, name, (size_t)max, &found);
  H5Idec_ref(object);
  *has = found != NULL;
  if (found) memcpy(text, found, strlen(found) + 1);
  WB_FREE(&found);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}
