/* The program: windbridge COMMAND [DECK.yaml] [-group_key value ...]. Only this file knows the world communicator and
 * exits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

typedef struct {
  const char *name;
  WbCommandFn run;
  const char *summary;
} WbCommand;

static const WbCommand commands[] = {
    {"forecast", wb_app_forecast, "city -> 20 m LES -> masked bridge -> 5 m ensemble, minute by minute"},
    {"city", wb_app_city, "build or import a city; write its voxel grids, statistics and a picture-ready file"},
    {"les", wb_app_les, "large-eddy simulation alone, at 20 m or finer"},
    {"pairs", wb_app_pairs, "20 m and 5 m runs of one city and inflow: aligned 1-minute means for training and tests"},
    {"train", wb_app_train, "train a bridge on pair files"},
    {"sr", wb_app_sr, "super-resolve an existing 20 m file"},
    {"evaluate", wb_app_evaluate, "score forecasts against a 5 m truth, with baselines"},
    {"bench", wb_app_bench, "time the kernels and print a table"},
    {"info", wb_app_info, "describe a deck, a model file, a result or this build"},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_usage(void) {
  printf(
      "windbridge %s: street-scale urban wind forecasts\n\n"
      "usage: windbridge COMMAND [DECK.yaml] [-group_key value ...] [--check | --print-config]\n"
      "       windbridge --help | --version | COMMAND --help\n\ncommands:\n",
      wb_version());
  for (int i = 0; i < N_COMMANDS; i++) printf("  %-9s %s\n", commands[i].name, commands[i].summary);
  printf(
      "\nEvery key of a deck can be given as -group_key value; COMMAND --help lists them with units, ranges and\n"
      "defaults. Exit codes: 0 done, 2 configuration, 3 input data, 4 numerical failure, 5 input/output,\n"
      "75 stopped with a checkpoint (resubmit with -run_restart).\n");
}

typedef struct {
  const WbCommand *command;
  const char *deck;
  bool help, version, check, print_config;
  char **args; /* the -group_key value options */
  int n_args;
  const char *problem; /* usage error */
} WbArguments;

static const WbCommand *find_command(const char *name) {
  for (int i = 0; i < N_COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static void parse_arguments(int argc, char **argv, WbArguments *a) {
  memset(a, 0, sizeof *a);
  a->args = calloc((size_t)argc + 1, sizeof *a->args);
  static char problem[512];
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0 || strcmp(arg, "-help") == 0)
      a->help = true;
    else if (strcmp(arg, "--version") == 0)
      a->version = true;
    else if (strcmp(arg, "--check") == 0)
      a->check = true;
    else if (strcmp(arg, "--print-config") == 0)
      a->print_config = true;
    else if (strncmp(arg, "--", 2) == 0) {
      snprintf(problem, sizeof problem,
               "command line: unknown flag %s; allowed: --help --version --check --print-config and -group_key value",
               arg);
      a->problem = problem;
    } else if (!a->command && arg[0] != '-') {
      a->command = find_command(arg);
      if (!a->command) {
        snprintf(problem, sizeof problem,
                 "command line: unknown command '%s'; allowed: forecast city les pairs train sr evaluate bench info",
                 arg);
        a->problem = problem;
        return;
      }
    } else if (a->command && !a->deck && a->n_args == 0 && arg[0] != '-') {
      a->deck = arg;
    } else {
      a->args[a->n_args++] = argv[i];
    }
  }
  if (!a->command && !a->help && !a->version && !a->problem)
    a->problem = "command line: no command; try windbridge --help";
}

/* PETSc sees only what is not ours: its own options from the deck and the command line. */
static PetscErrorCode give_petsc_its_options(WbConfig config, int n_args, char **args) {
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsInsertString(NULL, wb_config_petsc(config)));
  for (int i = 0; i < n_args; i++) {
    if (args[i][0] != '-') continue;
    const char *split = strchr(args[i], '_');
    bool ours = false;
    for (int k = 0; k < wb_app_n_keys && split && !ours; k++)
      ours = strncmp(args[i] + 1, wb_app_keys[k].group, strlen(wb_app_keys[k].group)) == 0 &&
             (size_t)(split - args[i] - 1) == strlen(wb_app_keys[k].group);
    if (ours) continue;
    const char *value = i + 1 < n_args && args[i + 1][0] != '-' ? args[i + 1] : NULL;
    PetscCall(PetscOptionsSetValue(NULL, args[i], value));
    if (strcmp(args[i], "-log_view") == 0) PetscCall(PetscLogDefaultBegin());
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(const WbArguments *a) {
  PetscFunctionBeginUser;
  WbApp app = {.comm = PETSC_COMM_WORLD, .command = a->command->name, .deck = a->deck, .check = a->check};
  app.t_start = wb_wtime();
  PetscCallMPI(MPI_Comm_rank(app.comm, &app.rank));
  PetscCallMPI(MPI_Comm_size(app.comm, &app.size));
  const bool describes = strcmp(app.command, "info") == 0; /* its argument is any file, not only a deck */
  PetscCall(wb_config_create(app.comm, wb_app_keys, wb_app_n_keys, describes ? NULL : a->deck, a->n_args, a->args,
                             &app.config));
  PetscCall(give_petsc_its_options(app.config, a->n_args, a->args));
  app.out = wb_config_text(app.config, "run", "output_dir");
  app.deck_yaml = wb_config_yaml(app.config);
  if (a->print_config) {
    if (app.rank == 0) fputs(app.deck_yaml, stdout);
  } else {
    PetscCall(a->command->run(&app));
    if (a->check && app.rank == 0) printf("%s: ready to run\n", a->deck ? a->deck : app.command);
  }
  free(app.deck_yaml);
  wb_config_destroy(&app.config);
  PetscFunctionReturn(0);
}

/* Print the error once when all ranks share it; a rank alone in trouble prints and takes the others down. */
static int report(PetscErrorCode ierr, int rank) {
  const int code = wb_error_exit_code(ierr);
  if (wb_error_is_collective() && rank != 0) return code;
  fflush(stdout);
  fprintf(stderr, "windbridge: %s%s\n", code == 75 ? "" : "error: ", wb_error_message());
  fflush(stderr);
  if (!wb_error_is_collective()) MPI_Abort(PETSC_COMM_WORLD, code);
  return code;
}

int main(int argc, char **argv) {
  WbArguments arguments;
  parse_arguments(argc, argv, &arguments);
  int petsc_argc = 1;
  char *petsc_argv[] = {argv[0], NULL}, **petsc_args = petsc_argv;
  if (PetscInitialize(&petsc_argc, &petsc_args, NULL, NULL)) {
    free(arguments.args);
    return 1;
  }
  /* PETSc's handler prints through stdio and MPI, which may be what has just crashed */
  if (PetscPopSignalHandler()) return 1;
  wb_crash_install(_exit);
  wb_error_install();
  int rank = 0, code = 0;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (arguments.problem) {
    if (rank == 0) fprintf(stderr, "windbridge: error: %s\n", arguments.problem);
    code = 2;
  } else if (arguments.version) {
    if (rank == 0) printf("windbridge %s (%s)\n", wb_version(), wb_git_version());
  } else if (arguments.help) {
    if (rank == 0 && !arguments.command) print_usage();
    if (rank == 0 && arguments.command) {
      printf("windbridge %s: %s\n", arguments.command->name, arguments.command->summary);
      wb_config_print_help(wb_app_keys, wb_app_n_keys, arguments.command->name);
    }
  } else {
    wb_stop_install();
    const PetscErrorCode ierr = run(&arguments);
    if (ierr) code = report(ierr, rank);
  }
  wb_log_close();
  free(arguments.args);
  if (PetscFinalize()) return code ? code : 1;
  return code;
}
