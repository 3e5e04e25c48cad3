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
  bool help, version, check, print_config, help_rst;
  char **args; /* the -group_key value options, and the deck until wb_config_split takes it out */
  int n_args;
  const char *problem; /* usage error */
  char *text;          /* of the problem, where it was made */
} WbArguments;

static const WbCommand *find_command(const char *name) {
  for (int i = 0; i < N_COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static char *message(const char *fmt, const char *word) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  fprintf(out, "command line: unknown %s '%.200s'; allowed:", fmt, word);
  for (int i = 0; i < N_COMMANDS && strcmp(fmt, "command") == 0; i++) fprintf(out, " %s", commands[i].name);
  if (strcmp(fmt, "flag") == 0) fputs(" --help --version --check --print-config and -group_key value", out);
  fclose(out);
  return text;
}

static void parse_arguments(int argc, char **argv, WbArguments *a) {
  memset(a, 0, sizeof *a);
  a->args = calloc((size_t)argc + 1, sizeof *a->args);
  if (!a->args) exit(1);
  const struct {
    const char *name;
    bool *flag;
  } flags[] = {{"--help", &a->help},        {"-h", &a->help},       {"-help", &a->help},
               {"--version", &a->version},  {"--check", &a->check}, {"--print-config", &a->print_config},
               {"--help-rst", &a->help_rst}};
  for (int i = 1; i < argc && !a->problem; i++) {
    const char *arg = argv[i];
    bool known = false;
    for (size_t k = 0; k < sizeof flags / sizeof *flags && !known; k++)
      if (strcmp(arg, flags[k].name) == 0) known = *flags[k].flag = true;
    if (known) continue;
    if (strncmp(arg, "--", 2) == 0)
      a->problem = (a->text = message("flag", arg)) ? a->text : "command line: unknown flag";
    else if (a->command || arg[0] == '-')
      a->args[a->n_args++] = argv[i];
    else if (!(a->command = find_command(arg)))
      a->problem = (a->text = message("command", arg)) ? a->text : "command line: unknown command";
  }
  if (!a->command && !a->help && !a->version && !a->help_rst && !a->problem)
    a->problem = "command line: no command; try windbridge --help";
}

/* PETSc takes many of its options only when it starts: where there are any, from the deck or the command line, it
 * starts once more with them. */
static PetscErrorCode give_petsc_its_options(WbConfig config, char *program) {
  const char *const *options = wb_config_petsc(config);
  int argc = 1, n = 0;
  if (!options[0]) return 0;
  while (options[n]) n += 2;
  char **argv = calloc((size_t)n + 2, sizeof *argv);
  if (!argv) return PETSC_ERR_MEM;
  argv[0] = program;
  for (int i = 0; i < n; i++)
    if (options[i]) argv[argc++] = strdup(options[i]);
  char **given = argv;
  PetscErrorCode ierr = PetscFinalize();
  if (!ierr) ierr = PetscInitialize(&argc, &given, NULL, NULL);
  for (int i = 1; argv[i]; i++) free(argv[i]);
  free(argv);
  if (ierr) {
    char *why = strdup(wb_error_message()); /* PETSc's own, which has the code of a fault of the program */
    wb_error_clear();
    ierr = wb_error_raise(WB_ERR_CONFIG, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "PETSc does not take its options (petsc: in the deck, command line): %s", why ? why : "");
    free(why);
    return ierr;
  }
  wb_stop_install();
  wb_app_streams_ignore_pipe();
  return 0;
}

/* Options that PETSc was given and nobody asked for. */
static PetscErrorCode report_petsc_left(const WbApp *app) {
  PetscFunctionBeginUser;
  PetscInt n = 0;
  char **names = NULL, **values = NULL;
  if (!wb_config_petsc(app->config)[0]) PetscFunctionReturn(0);
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) wb_log_warn("PETSc's option -%s has had no effect", names[i]);
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(0);
}

/* What was given has an effect, or is refused or named. */
static PetscErrorCode check_used(WbApp *app) {
  PetscFunctionBeginUser;
  char *note = NULL;
  if (strcmp(app->command, "forecast") == 0 && wb_config_text(app->config, "les", "input_file"))
    wb_config_as(app->config, "sr"); /* somebody else's 20 m run takes the place of ours */
  PetscCall(wb_config_unused(app->config, &note));
  app->unused = note;
  PetscFunctionReturn(0);
}

/* A row of the table that promises more than the command keeps. */
static void check_read(const WbApp *app) {
  char *unread = wb_config_unread(app->config);
  if (unread && unread[0]) wb_log_warn("%s has not read %s: has it an effect?", app->command, unread);
  free(unread);
}

static PetscErrorCode work(WbApp *app, const WbArguments *a) {
  PetscFunctionBeginUser;
  if (!a->print_config || a->check) {
    if (app->unused && a->check) wb_log_warn("%s", app->unused);
    if (a->print_config) wb_app_stdout_to_stderr();
    PetscErrorCode ierr = a->command->run(app);
    wb_app_output_end(app, ierr);
    const bool ready = a->check && !app->run.finished;
    if (!ierr && ready) check_read(app);
    if (!ierr && ready && app->rank == 0)
      printf("%s: ready to run%s\n", app->deck ? app->deck : app->command, app->partly ? ", as far as checked" : "");
    if (a->print_config) wb_app_stdout_back();
    PetscCall(ierr);
  }
  if (a->print_config && app->rank == 0) fputs(app->deck_yaml, stdout);
  if (!a->print_config && !a->check) PetscCall(report_petsc_left(app));
  PetscFunctionReturn(0);
}

static PetscErrorCode run(WbArguments *a, char *program) {
  PetscFunctionBeginUser;
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  WbApp app = {.comm = PETSC_COMM_WORLD, .command = a->command->name, .check = a->check};
  app.run.lock_fd = -1;
  app.t_start = wb_wtime();
  PetscCallMPI(MPI_Comm_rank(app.comm, &app.rank));
  PetscCallMPI(MPI_Comm_size(app.comm, &app.size));
  PetscCall(wb_config_split(keys, n_keys, &a->n_args, a->args, &app.deck));
  const bool describes = strcmp(app.command, "info") == 0; /* its argument is any file, not only a deck */
  PetscErrorCode ierr = wb_config_create(app.comm, keys, n_keys, app.command, describes ? NULL : app.deck, a->n_args,
                                         a->args, &app.config);
  if (!ierr) ierr = give_petsc_its_options(app.config, program);
  if (!ierr) ierr = check_used(&app);
  if (!ierr) {
    app.out = wb_config_text(app.config, "run", "output_dir");
    app.deck_yaml = wb_config_yaml(app.config);
    ierr = work(&app, a);
  }
  free(app.deck_yaml);
  free(app.unused);
  wb_config_destroy(&app.config);
  PetscFunctionReturn(ierr);
}

/* Print the error once when all ranks share it; a rank alone in trouble prints and takes the others down. */
static int report(PetscErrorCode ierr, int rank) {
  const int code = wb_error_exit_code(ierr);
  if (wb_error_is_collective() && rank != 0) return code;
  fflush(stdout);
  fprintf(stderr, "windbridge: %s", code == 75 ? "" : "error: ");
  for (const char *p = wb_error_message(); *p; p++) { /* one line, whatever stood in the file or deck */
    if ((unsigned char)*p < 0x20 || *p == 0x7f)
      fprintf(stderr, "\\x%02x", (unsigned)*p);
    else
      fputc(*p, stderr);
  }
  fputc('\n', stderr);
  fflush(stderr);
  if (!wb_error_is_collective()) MPI_Abort(PETSC_COMM_WORLD, code);
  return code;
}

/* What is told on stdout: --help, --version, or a usage error (2). */
static int tell(const WbArguments *a) {
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  if (a->problem) {
    fprintf(stderr, "windbridge: error: %s\n", a->problem);
    return 2;
  }
  if (a->version) {
    printf("windbridge %s (%s)\n", wb_version(), wb_git_version());
  } else if (a->help_rst) {
    wb_config_print_rst(keys, n_keys);
  } else if (a->command) {
    printf("windbridge %s: %s\n", a->command->name, a->command->summary);
    wb_config_print_help(keys, n_keys, a->command->name);
  } else {
    print_usage();
  }
  return 0;
}

/* Where stdout is the result, a result that did not arrive is an error; a run has its files. */
static int check_stdout(const WbArguments *a, int code) {
  const bool result = !a->command || a->check || a->print_config || a->help || strcmp(a->command->name, "info") == 0 ||
                      strcmp(a->command->name, "bench") == 0;
  if (wb_app_stdout_is_whole() || code || !result) return code;
  fprintf(stderr, "windbridge: error: stdout: cannot be written to the end (closed, or a full disk)\n");
  return 5;
}

int main(int argc, char **argv) {
  WbArguments arguments;
  if (!wb_app_streams_guard()) return 5;
  parse_arguments(argc, argv, &arguments);
  int rank = 0, code = 0, petsc_argc = 1;
  char *petsc_argv[] = {argv[0], NULL}, **petsc_args = petsc_argv;
  /* PETSc's signal handler prints through stdio and MPI, which may be what has just crashed: it goes */
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &(int){0}) ||
      PetscInitialize(&petsc_argc, &petsc_args, NULL, NULL) || PetscPopSignalHandler()) {
    free(arguments.args);
    free(arguments.text);
    return 1;
  }
  wb_crash_install(_exit);
  wb_error_install();
  wb_app_streams_ignore_pipe();
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (arguments.problem || arguments.version || arguments.help || arguments.help_rst) {
    code = rank == 0 ? tell(&arguments) : arguments.problem ? 2 : 0;
  } else {
    wb_stop_install();
    const PetscErrorCode ierr = run(&arguments, argv[0]);
    if (ierr) code = report(ierr, rank);
  }
  if (rank == 0) code = check_stdout(&arguments, code);
  wb_log_close();
  free(arguments.args);
  free(arguments.text);
  if (PetscFinalize() && !code) code = 1;
  MPI_Finalize();
  return code;
}
