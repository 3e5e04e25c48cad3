/* What an open file holds: variables found and described on first use, attributes read. Collective. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io_internal.h"

bool wb_io_att_read_number(hid_t object, const char *name, double *value) {
  if (H5Aexists(object, name) <= 0) return false;
  const hid_t att = H5Aopen(object, name, H5P_DEFAULT);
  if (att < 0) return false;
  const hid_t type = H5Aget_type(att), space = H5Aget_space(att);
  const H5T_class_t class = H5Tget_class(type);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  bool ok = (class == H5T_INTEGER || class == H5T_FLOAT) && n >= 1 && n < 1000000;
  double *all = ok ? malloc((size_t)n * sizeof(double)) : NULL;
  ok = all && H5Aread(att, H5T_NATIVE_DOUBLE, all) >= 0;
  if (ok) *value = all[0];
  free(all);
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(att);
  return ok;
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
  WB_RAISE(WB_ERR_INPUT, "%s has no variable %s in group %s (found: %s)", nc->path, name, group,
           list[0] ? list : "nothing");
}

/* Type and packing of an opened dataset. */
static PetscErrorCode describe(WbNc nc, WbIoVar *v) {
  hsize_t dims[H5S_MAX_RANK];
  PetscFunctionBeginUser;
  const hid_t type = H5Dget_type(v->dset), space = H5Dget_space(v->dset), dcpl = H5Dget_create_plist(v->dset);
  v->class = H5Tget_class(type);
  v->size = H5Tget_size(type);
  const hid_t whole = v->class == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type); /* h5py's booleans are enumerations */
  v->is_signed = v->class == H5T_FLOAT || H5Tget_sign(whole) == H5T_SGN_2;
  const bool counts = v->class == H5T_INTEGER || (v->class == H5T_ENUM && H5Tget_class(whole) == H5T_INTEGER);
  H5Tclose(whole);
  v->contiguous = H5Pget_layout(dcpl) == H5D_CONTIGUOUS;
  v->rank = H5Sget_simple_extent_ndims(space);
  if (v->rank >= 0 && v->rank <= WB_IO_MAX_RANK) {
    H5Sget_simple_extent_dims(space, dims, NULL);
    for (int d = 0; d < v->rank; d++) v->dims[d] = (int)dims[d];
  }
  H5Pclose(dcpl);
  H5Sclose(space);
  H5Tclose(type);
  const bool floating = v->class == H5T_FLOAT && (v->size == 4 || v->size == 8);
  const bool integer = counts && (v->size == 1 || v->size == 2 || v->size == 4 || v->size == 8);
  if (v->rank < 0 || v->rank > WB_IO_MAX_RANK || (!floating && !integer))
    WB_RAISE(WB_ERR_INPUT, "%s: variable %s is not an array of numbers", nc->path, v->name);
  if (floating) {
    v->type = v->size == 4 ? WB_NC_FLOAT : WB_NC_DOUBLE;
  } else {
    v->type = v->size == 1 ? WB_NC_INT8 : v->size == 2 ? WB_NC_INT16 : WB_NC_INT32;
  }
  PetscCall(wb_io_describe_values(nc, v));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_variable(WbNc nc, const char *group, const char *name, bool must, WbIoVar **var) {
  char clean[WB_IO_NAME];
  hid_t where = -1;
  PetscFunctionBeginUser;
  *var = NULL;
  const int known = wb_io_find_var(nc, group, name);
  if (known >= 0) *var = &nc->var[known];
  if (*var) PetscFunctionReturn(0);
  wb_io_group_normalise(group, clean);
  PetscCall(wb_io_group(nc, group, &where));
  const bool there = H5Lexists(where, name, H5P_DEFAULT) > 0;
  const hid_t dset = there ? H5Dopen2(where, name, H5P_DEFAULT) : -1;
  PetscErrorCode ierr = 0;
  if (dset < 0 && there)
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: cannot open variable %s: %s",
                          nc->path, name, wb_io_h5_reason());
  if (dset < 0 && !there && must) ierr = no_variable(nc, where, group, name);
  H5Gclose(where);
  if (ierr || dset < 0) PetscFunctionReturn(ierr);
  WbIoVar *v = wb_io_new_var(nc);
  if (!v) WB_RAISE(PETSC_ERR_MEM, "out of memory");
  v->dset = dset;
  v->attached = true;
  snprintf(v->group, sizeof(v->group), "%s", clean);
  snprintf(v->name, sizeof(v->name), "%s", name);
  PetscCall(describe(nc, v));
  *var = v;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_var(WbNc nc, const char *group, const char *name, WbIoVar **var) {
  PetscFunctionBeginUser;
  const int known = wb_io_find_var(nc, group, name);
  if (known >= 0) {
    *var = &nc->var[known];
    PetscFunctionReturn(0);
  }
  PetscCall(wb_error_agree(nc->comm, open_variable(nc, group, name, true, var)));
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
  PetscCall(wb_error_agree(nc->comm, open_variable(nc, group, var, false, &v)));
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
  *has = wb_io_att_read_number(object, name, v);
  H5Idec_ref(object);
  PetscFunctionReturn(0);
}

/* Text of fixed or variable length; *text is malloc'd, NULL when the attribute is no text. */
static void read_text(hid_t att, char **text) {
  const hid_t type = H5Aget_type(att), space = H5Aget_space(att);
  *text = NULL;
  if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
    if (H5Tis_variable_str(type) > 0) {
      char *held = NULL;
      const hid_t memory = H5Tcopy(H5T_C_S1);
      H5Tset_size(memory, H5T_VARIABLE);
      H5Tset_cset(memory, H5Tget_cset(type));
      if (H5Aread(att, memory, (void *)&held) >= 0 && held) {
        *text = strdup(held);
        H5free_memory(held);
      }
      H5Tclose(memory);
    } else {
      *text = calloc(H5Tget_size(type) + 1, 1);
      if (*text && H5Aread(att, type, *text) < 0) {
        free(*text);
        *text = NULL;
      }
    }
  }
  H5Sclose(space);
  H5Tclose(type);
}

char *wb_io_att_read_text(hid_t object, const char *name) {
  char *text = NULL;
  const hid_t att = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
  if (att >= 0) {
    read_text(att, &text);
    H5Aclose(att);
  }
  return text;
}

PetscErrorCode wb_nc_get_att_text(WbNc nc, const char *group, const char *var, const char *name, bool *has, char *text,
                                  int max) {
  hid_t object = -1;
  PetscFunctionBeginUser;
  PetscCall(open_for_attribute(nc, group, var, &object));
  char *found = wb_io_att_read_text(object, name);
  H5Idec_ref(object);
  *has = found != NULL;
  const size_t length = found ? strlen(found) : 0;
  if (found && length < (size_t)max) memcpy(text, found, length + 1);
  free(found);
  if (*has && length >= (size_t)max)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute %s has %zu characters, at most %d expected", nc->path, name, length,
                 max - 1);
  PetscFunctionReturn(0);
}
