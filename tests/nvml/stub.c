/* A stand-in for libnvidia-ml.so.1 that plays a box from a text scene, for tests.
 *
 * WFTOP_STUB_SCENE names the scene; it is read again when the file changes. WFTOP_STUB_LOG, where set, gets a line
 * for each call: boottime ns, function, GPU, code, thread. A line of a scene is one of
 *
 *   start SECONDS          CLOCK_BOOTTIME at which the scene's time is 0 (else: when the library was loaded)
 *   count N | order A B C  the cards there are, in the order of their indexes; a card keeps its number and UUID
 *   boot N                 another number: the driver was loaded anew; all but init answer 999, counters restart
 *   mig CARD N             MIG is on with N instances (0: off); instance 1 of card 3 is the GPU "3/1"
 *   xid GPU NUMBER AT      an Xid event at second AT; event GPU TYPE DATA AT for another type
 *   process GPU PID [mem=BYTES] [kind=C|G|M] [sm=] [io=] [enc=] [dec=]     mem=-1: not available
 *   GPU|* FUNCTION[.PART[.PART]]|* [value=EXPRESSION] [code=N [times=N]] [hang=SECONDS] [type=N] [wake=FILE] [text=REST]
 *
 * The most exact rule that has the attribute answers: (GPU, function), (GPU, *), (*, function), (*, *), the default
 * box below; a part before its function. Expressions: a number, saw:LO:HI:PERIOD, square:LO:HI:PERIOD[:DUTY],
 * grow:START:PER_SECOND, calls:START:STEP, cycle:A:B:…, power, power_average, energy (of the rule "power", in mW).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { VALUE = 1, CODE = 2, HANG = 4, TEXT = 8, TYPE = 16, WAKE = 32 };
enum { CARDS = 64, RULES = 2048, SLOTS = 8192, PROCESSES = 4096, EVENTS = 256, SETS = 32, ANY = 0, INSTANCES = 100 };
/* What a function is like: takes a handle; looks one up; answers an instance; is not offered in MIG mode
 * (3, a list of processes 4); fills a list that may grow; works before init. */
enum { DEVICE = 1, LOOKUP = 2, INSTANCE = 4, NO_MIG = 8, LIST = 16, RACE = 32, FREE = 64 };
typedef uint64_t u64;
typedef unsigned u32;
typedef long double num; /* holds 2^64-1 */
typedef struct { char kind; int n; num v[12]; u32 calls; } Expr;
typedef struct { u64 key; u32 has; int code, times, type; double hang; char *text, *wake; Expr value; } Rule;
typedef struct { Rule rule[RULES]; int n; uint16_t slot[SLOTS]; unsigned char mask[INSTANCES + CARDS * 16]; } Rules;
typedef struct { int card, mig; u32 pid, sm, io, enc, dec; char kind; u64 mem; } Process;
typedef struct { int card, mig; u64 type, data, id; double at; } Event;
typedef struct { int used; u64 types[CARDS], seen[EVENTS]; double since[CARDS]; int n; } Set;
typedef struct { const char *fn; int card, mig, quiet; u64 h[3]; } Call;
typedef struct { int card, mig; double at; } Sample;

static struct {
  Rules rules;
  char *buffer;
  int order[CARDS], count, mig[CARDS], processes, events, boot;
  double start;
  Process process[PROCESSES];
  Event event[EVENTS];
} scene;
static Rules normal;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { num mj; double at; } energy_base[CARDS];
static Set sets[SETS];
static int initialised, generation, stale, owner, log_fd = -1, running;

/* The default box: a name has "nvmlDeviceGet" before it, "#" stands for a field value. */
static const char NORMAL[] =
    "power 300000;PowerUsage power_average;#185 power_average;#186 power;TotalEnergyConsumption energy;"
    "#83 energy;#191 energy;nvmlSystemGetDriverVersion text=580.65.06;"
    "nvmlSystemGetNVMLVersion text=13.580.65.06;nvmlSystemGetCudaDriverVersion 13000;"
    "nvmlSystemGetCudaDriverVersion_v2 13000;Name text=NVIDIA Stub 80GB;VbiosVersion text=96.00.74.00.01;"
    "BoardPartNumber text=900-00000-0000-000;PersistenceMode 1;ComputeMode 0;VirtualizationMode 0;Brand 14;"
    "Architecture 9;EccMode 1;MigMode code=3;MaxMigDeviceCount 7;NumGpuCores 16896;MemoryBusWidth 5120;"
    "DisplayActive 0;DisplayMode 0;MultiGpuBoard 0;AddressingMode 1;UtilizationRates.gpu 50;"
    "UtilizationRates.memory 25;memory.total 85899345920;memory.reserved 536870912;memory.used 21474836480;"
    "BAR1MemoryInfo.total 137438953472;BAR1MemoryInfo.used 1048576;Temperature 55;TemperatureV 55;#82 61;"
    "MarginTemperature 30;TemperatureThreshold.0 92;TemperatureThreshold.1 89;TemperatureThreshold.2 95;"
    "TemperatureThreshold.3 87;TemperatureThreshold code=3;EnforcedPowerLimit 700000;"
    "PowerManagementLimit 700000;PowerManagementDefaultLimit 700000;"
    "PowerManagementLimitConstraints.minimum 200000;PowerManagementLimitConstraints.maximum 700000;"
    "#187 200000;#188 700000;#189 700000;#190 700000;ClockInfo 1980;ClockInfo.2 2619;ClockInfo.3 1545;"
    "MaxClockInfo 1980;MaxClockInfo.2 2619;MaxClockInfo.3 1545;ApplicationsClock 1980;PerformanceState 0;"
    "PowerState 0;CurrentClocksEventReasons 0;CurrentClocksThrottleReasons 0;SupportedClocksEventReasons 511;"
    "SupportedClocksThrottleReasons 511;#74 5000000;#75 0;#76 0;#269 0;#270 0;#271 0;ViolationStatus 0;"
    "EncoderUtilization.value 1;DecoderUtilization.value 2;JpgUtilization.value 3;OfaUtilization.value 4;"
    "NumFans 2;FanSpeed 30;FanSpeed_v2 30;#197 grow:1000000:2000000;#198 grow:1000000:1000000;"
    "PcieThroughput hang=0.02 value=1000;PcieReplayCounter 0;#94 0;CurrPcieLinkGeneration 5;"
    "MaxPcieLinkGeneration 5;GpuMaxPcieLinkGeneration 5;CurrPcieLinkWidth 16;MaxPcieLinkWidth 16;#91 4;"
    "NvLinkState 1;NvLinkVersion 4;NvLinkErrorCounter 0;NvLinkCapability 1;#138 grow:0:1000;#139 grow:0:2000;"
    "#140 grow:0:1100;#141 grow:0:2200;TotalEccErrors 0;MemoryErrorCounter 0;#142 0;#143 0;#144 0;#145 0;"
    "RemappedRows 0;RetiredPages 0;RetiredPages_v2 0;RetiredPagesPendingStatus 0;nvmlGpmQueryDeviceSupport 1;"
    "nvmlGpmMetricsGet 40;SupportedEventTypes 2111;TopologyCommonAncestor 40;nvmlDeviceOnSameBoard 0;"
    "P2PStatus 0;CpuAffinity 4294967295;NumaNodeId 0;Samples 50;CudaComputeCapability.major 9;"
    "CudaComputeCapability.minor 0;";

/* Time, numbers and their integrals. */

static double boottime(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static u64 wall_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static u64 whole(num v) {
  if (!(v > -0x1p63L)) return 1ul << 63;
  return v < 0 ? (u64)(int64_t)v : v >= 0x1p64L ? UINT64_MAX : (u64)v;
}

static u64 fnv(u64 h, const char *s) {
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h;
}

static u64 part(u64 h, int n) {
  char text[16];
  snprintf(text, sizeof text, ".%d", n);
  return n < 0 ? h : fnv(h, text);
}

static Expr expression(const char *s) {
  static const char *words[] = {"saw", "square", "grow", "calls", "cycle", "power", "power_average", "energy"};
  Expr e = {.kind = '='};
  size_t length = strcspn(s, ":");
  for (int i = 0; i < 8; i++)
    if (strlen(words[i]) == length && !strncmp(s, words[i], length)) e.kind = "sqgcyPAE"[i], s += length + (s[length] == ':');
  for (char *end; e.n < 12 && *s; s = end + (*end == ':')) {
    e.v[e.n++] = strtold(s, &end);
    if (end == s) break;
  }
  if (e.kind == 'q' && e.n < 4) e.v[3] = 0.5;
  return e;
}

/* Integral of an expression from 0 to t. */
static num integral(const Expr *e, double t) {
  num p = e->v[2], n = p > 0 ? floorl(t / p) : 0, x = t - n * p;
  if (e->kind == 's' && p > 0)
    return n * p * (e->v[0] + e->v[1]) / 2 + e->v[0] * x + (e->v[1] - e->v[0]) * x * x / (2 * p);
  if (e->kind == 'q' && p > 0) {
    num high = e->v[3] * p, in = x < high ? x : high;
    return n * (high * e->v[1] + (p - high) * e->v[0]) + in * e->v[1] + (x - in) * e->v[0];
  }
  return e->kind == 'g' ? e->v[0] * t + e->v[1] * t * t / 2 : e->v[0] * t;
}

static Rule *look(int card, int mig, const u64 *h, int n, u32 want);

static Expr *power_of(int card) {
  static u64 h;
  if (!h) h = fnv(14695981039346656037u, "power");
  return &look(card, -1, &h, 1, VALUE)->value;
}

static num energy(int card, double t) {
  Expr *e = power_of(card);
  return energy_base[card].mj + integral(e, t) - integral(e, energy_base[card].at);
}

static num evaluate(Expr *e, int card, double t) {
  num p = e->v[2], x = p > 0 ? (t - floorl(t / p) * p) / p : 0;
  Expr *power = e->kind == 'P' || e->kind == 'A' ? power_of(card) : NULL;
  switch (e->kind) {
    case 's': return e->v[0] + (e->v[1] - e->v[0]) * x;
    case 'q': return x < e->v[3] ? e->v[1] : e->v[0];
    case 'g': return floorl(e->v[0] + e->v[1] * t);
    case 'c': return e->v[0] + e->v[1] * e->calls++;
    case 'y': return e->n ? e->v[e->calls++ % e->n] : 0;
    case 'P': return evaluate(power, card, t);
    case 'A': return integral(power, t) - integral(power, t - 1); /* Ampere and later: mean of a second */
    case 'E': return energy(card, t);
    default: return e->v[0];
  }
}

/* The scene. */

static Rule *rule(Rules *rules, int selector, u64 h, int make) {
  u64 key = h ^ (u64)(selector + 1) * 0x9E3779B97F4A7C15u;
  u32 i = (u32)(key >> 40) % SLOTS;
  for (; rules->slot[i]; i = (i + 1) % SLOTS)
    if (rules->rule[rules->slot[i] - 1].key == key) return &rules->rule[rules->slot[i] - 1];
  if (!make || rules->n == RULES) return NULL;
  rules->slot[i] = (uint16_t)++rules->n;
  Rule *made = &rules->rule[rules->n - 1];
  *made = (Rule){.key = key, .times = -1};
  return made;
}

static Rule *look(int card, int mig, const u64 *h, int n, u32 want) {
  static u64 star;
  if (!star) star = fnv(14695981039346656037u, "*");
  /* A lost or stuck card takes its instances along; its numbers are not theirs. */
  int selectors[3] = {mig < 0 ? -1 : INSTANCES + card * 16 + mig, card < 0 || (mig >= 0 && want == VALUE) ? -1 : card + 1, ANY};
  for (int s = 0; s < 3; s++) {
    if (selectors[s] < 0 || !(scene.rules.mask[selectors[s]] & want)) continue;
    for (int i = 0; i <= n; i++) {
      Rule *found = rule(&scene.rules, selectors[s], i < n ? h[i] : star, 0);
      if (found && found->has & want && !(want == CODE && found->times == 0)) return found;
    }
  }
  for (int i = 0; i < n; i++) {
    Rule *found = rule(&normal, ANY, h[i], 0);
    /* A code of the default box is for the parts that it gives no value. */
    if (found && want == CODE && found->has & VALUE) return NULL;
    if (found && found->has & want) return found;
  }
  return NULL;
}

static int gpu(const char *s, int *mig) {
  char *end;
  int card = (int)strtol(s, &end, 10);
  *mig = *end == '/' ? atoi(end + 1) : -1;
  return *s == '*' ? -1 : card < 0 || card >= CARDS ? 0 : card;
}

static char *unescape(char *s) {
  char *from = s, *to = s;
  for (u32 c; *from; from++)
    if (from[0] == '\\' && from[1] == 'x' && sscanf(from + 2, "%2x", &c) == 1) *to++ = (char)c, from += 3;
    else *to++ = *from;
  *to = 0;
  return s;
}

static void attribute(Rule *r, char *name, char *value) {
  switch (*name) {
    case 'v': r->has |= VALUE, r->value = expression(value); break;
    case 'c': r->has |= CODE, r->code = atoi(value); break;
    case 'h': r->has |= HANG, r->hang = strtod(value, NULL); break;
    case 'w': r->has |= WAKE, r->wake = value; break;
    case 't': name[1] == 'i' ? (r->times = atoi(value)) : (r->has |= TYPE, r->type = atoi(value)); break;
  }
}

static void parse_line(Rules *rules, char *line) {
  char *text = strstr(line, " text="), *save = NULL, *word[CARDS + 1] = {""};
  int n = 0, mig, card;
  if (text) *text = 0, text = unescape(text + 6);
  u64 id = fnv(1, line);
  for (char *w = strtok_r(line, " ", &save); w && n <= CARDS; w = strtok_r(NULL, " ", &save)) word[n++] = w;
  if (!n || *word[0] == '#') return;
  card = n > 1 ? gpu(word[1], &mig) : 0;
  if (card < 0) card = 0;
  if (!strcmp(word[0], "start")) scene.start = strtod(word[1], NULL);
  else if (!strcmp(word[0], "boot")) scene.boot = atoi(word[1]);
  else if (!strcmp(word[0], "count")) for (scene.count = 0; scene.count < atoi(word[1]) && scene.count < CARDS; scene.count++) scene.order[scene.count] = scene.count;
  else if (!strcmp(word[0], "order")) for (scene.count = 0; scene.count < n - 1; scene.count++) scene.order[scene.count] = atoi(word[scene.count + 1]) % CARDS;
  else if (!strcmp(word[0], "mig")) scene.mig[card] = atoi(word[2]);
  else if (!strcmp(word[0], "xid") && scene.events < EVENTS) scene.event[scene.events++] = (Event){card, mig, 8, strtoull(word[2], NULL, 0), id, strtod(word[3], NULL)};
  else if (!strcmp(word[0], "event") && scene.events < EVENTS) scene.event[scene.events++] = (Event){card, mig, strtoull(word[2], NULL, 0), strtoull(word[3], NULL, 0), id, strtod(word[4], NULL)};
  else if (!strcmp(word[0], "process") && scene.processes < PROCESSES) {
    Process *p = &scene.process[scene.processes++];
    *p = (Process){.card = card, .mig = mig, .pid = (u32)strtoull(word[2], NULL, 0), .kind = 'C', .mem = 1 << 30};
    for (int i = 3; i < n; i++) {
      char *value = strchr(word[i], '=') ? strchr(word[i], '=') + 1 : "";
      u32 number = (u32)strtoll(value, NULL, 0);
      switch (*word[i]) {
        case 'm': p->mem = *value == '-' ? (u64)strtoll(value, NULL, 0) : strtoull(value, NULL, 0); break;
        case 'k': p->kind = *value; break;
        case 's': p->sm = number; break;
        case 'i': p->io = number; break;
        case 'e': p->enc = number; break;
        case 'd': p->dec = number; break;
      }
    }
  } else if (n > 1) {
    card = gpu(word[0], &mig);
    int selector = card < 0 ? ANY : mig < 0 ? card + 1 : INSTANCES + card * 16 + mig % 16;
    Rule *r = rule(rules, selector, fnv(14695981039346656037u, word[1]), 1);
    for (int i = 2; r && i < n; i++) {
      char *value = strchr(word[i], '=');
      if (value) attribute(r, word[i], value + 1);
    }
    if (r && text) r->has |= TEXT, r->text = text;
    if (r) rules->mask[selector] |= r->has;
  }
}

static void parse_normal(void) {
  char *save = NULL, *made;
  for (char *one = strtok_r(strdup(NORMAL), ";", &save); one; one = strtok_r(NULL, ";", &save)) {
    char *rest = strchr(one, ' ');
    *rest++ = 0;
    const char *prefix = *one == '#' ? "nvmlDeviceGetFieldValues." : *one >= 'a' ? "" : "nvmlDeviceGet";
    if (asprintf(&made, "* %s%s %s%s", prefix, one + (*one == '#'), strchr(rest, '=') ? "" : "value=", rest) > 0)
      parse_line(&normal, made);
  }
}

/* Read the scene again if its file changed; under the lock. A look at the file each 5 ms is enough for any test. */
static void refresh(int force) {
  static struct stat before;
  static double looked;
  static int begun;
  struct stat st;
  double now = boottime();
  const char *path = getenv("WFTOP_STUB_SCENE"), *log = getenv("WFTOP_STUB_LOG");
  if (!begun) {
    begun = 1, scene.start = now, scene.count = 8, memset(scene.mig, -1, sizeof scene.mig);
    for (int i = 0; i < CARDS; i++) scene.order[i] = i, energy_base[i].mj = 1e6L * i;
    parse_normal();
    if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (!force && now - looked < 0.005) return;
  looked = now;
  if (!path || stat(path, &st)) return;
  if (st.st_mtim.tv_sec == before.st_mtim.tv_sec && st.st_mtim.tv_nsec == before.st_mtim.tv_nsec && st.st_size == before.st_size &&
      st.st_ino == before.st_ino) return;
  int fd = open(path, O_RDONLY | O_CLOEXEC), first = !before.st_ino, boot = scene.boot;
  char *text = calloc(1, (size_t)st.st_size + 1);
  ssize_t got = fd < 0 ? -1 : read(fd, text, (size_t)st.st_size);
  if (fd >= 0) close(fd);
  if (got < 0) { free(text); return; }
  before = st;
  for (int i = 0; i < CARDS && !first; i++) energy_base[i].mj = energy(i, now - scene.start), energy_base[i].at = now - scene.start;
  scene.rules.n = 0; /* the rules themselves stay: untouched pages cost the process nothing */
  memset(scene.rules.slot, 0, sizeof scene.rules.slot);
  memset(scene.rules.mask, 0, sizeof scene.rules.mask);
  memset(scene.mig, -1, sizeof scene.mig);
  scene.processes = scene.events = 0;
  char *save = NULL;
  for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) parse_line(&scene.rules, line);
  free(scene.buffer);
  scene.buffer = text;
  if (first || boot == scene.boot) return;
  stale = 1;
  for (int i = 0; i < CARDS; i++) energy_base[i].mj = 0;
}

/* Calls: enter() takes the lock and gives the code, leave() logs and lets go. */

static void *handle(int card, int mig) {
  return (void *)(uintptr_t)((u32)(generation & 0x7f) << 24 | (u32)card << 12 | (u32)(mig + 1) << 4 | 0xA);
}

static void note(const Call *c, const char *what) {
  char line[160], who[16] = "-";
  if (log_fd < 0) return;
  if (c->card >= 0) snprintf(who, sizeof who, c->mig < 0 ? "%d" : "%d/%d", c->card, c->mig);
  int n = snprintf(line, sizeof line, "%lld %s %s %s %ld\n", (long long)(boottime() * 1e9), c->fn, who, what, syscall(SYS_gettid));
  if (write(log_fd, line, (size_t)n) != n) abort();
}

static int leave(const Call *c, int code) {
  char text[16];
  snprintf(text, sizeof text, "%d", code);
  note(c, text);
  running--;
  pthread_mutex_unlock(&lock);
  return code;
}

static int is_there(int card) {
  for (int i = 0; i < scene.count; i++)
    if (scene.order[i] == card) return 1;
  return 0;
}

static int enter(Call *c, const char *fn, u64 *h, void *dev, int one, int two, int flags) {
  uintptr_t bits = (uintptr_t)dev;
  *c = (Call){.fn = fn, .card = -1, .mig = -1};
  if (flags & DEVICE && dev) c->card = bits >> 12 & 63, c->mig = (int)(bits >> 4 & 31) - 1;
  pthread_mutex_lock(&lock);
  running++;
  refresh(0);
  if (flags & DEVICE && !dev && !(flags & LOOKUP)) raise(SIGSEGV); /* as the real one: a handle that was never got */
  if (!*h) *h = fnv(14695981039346656037u, fn);
  c->h[2] = *h, c->h[1] = part(c->h[2], one), c->h[0] = part(c->h[1], two);
  double began = boottime(), left;
  Rule *r;
  for (int told = 0; (r = look(c->card, c->mig, c->h, 3, HANG)) && (left = r->hang + began - boottime()) > 0; told = 1) {
    if (!told && r->hang >= 0.05) note(c, "hangs");
    struct timespec pause = {0, (long)(1e9 * (left < 0.05 ? left : 0.05))};
    pthread_mutex_unlock(&lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&lock);
    refresh(1);
  }
  if ((r = look(c->card, c->mig, c->h, 3, WAKE))) {
    int fd = open(r->wake, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd >= 0 && write(fd, "active\n", 7) == 7) close(fd);
  }
  if (!(flags & FREE) && !initialised) return 1;
  if (!(flags & FREE) && (stale || owner != getpid())) return 999; /* the driver is another one; or a fork's child */
  if (flags & DEVICE && dev && (int)(bits >> 24) != (generation & 0x7f)) return 2;
  if (flags & DEVICE && dev && !is_there(c->card)) return 15;
  if ((r = look(c->card, c->mig, c->h, 3, CODE)) && !(flags & RACE && r->code == 7)) {
    if (r->times > 0) r->times--;
    return r->code;
  }
  if (c->mig >= 0 && !(flags & INSTANCE)) return 3;
  if (flags & NO_MIG && c->mig < 0 && c->card >= 0 && scene.mig[c->card] > 0) return flags & LIST ? 4 : 3;
  return flags & DEVICE && !dev ? 2 : 0;
}

static int value(Call *c, const char *name, num *v) {
  u64 h[4] = {c->h[0], c->h[1], c->h[2]};
  if (name) h[0] = fnv(fnv(c->h[2], "."), name), h[1] = c->h[2];
  Rule *r = look(c->card, c->mig, h, name ? 2 : 3, VALUE);
  if (r) *v = evaluate(&r->value, c->card < 0 ? 0 : c->card, boottime() - scene.start);
  return r ? 0 : 3;
}

static int v32(Call *c, const char *name, u32 *o) {
  num v = 0;
  int code = value(c, name, &v);
  if (!code) *o = (u32)whole(v);
  return code;
}

static int v64(Call *c, const char *name, u64 *o) {
  num v = 0;
  int code = value(c, name, &v);
  if (!code) *o = whole(v);
  return code;
}

static int text(Call *c, const char *otherwise, char *to, u32 size) {
  Rule *r = look(c->card, c->mig, c->h, 3, TEXT);
  const char *from = r ? r->text : otherwise;
  if (!from) return 3;
  if (strlen(from) + 1 > size) return 7;
  strcpy(to, from);
  return 0;
}

#define CALL(device, one, two, flags) \
  static u64 H; \
  Call c; \
  int code = enter(&c, __func__, &H, device, one, two, flags); \
  if (code) return leave(&c, code)
#define DONE(expression) return leave(&c, expression)
#define BOTH(a, b) do { code = (a); DONE(code ? code : (b)); } while (0)

/* The library as a whole. */

static int initialise(const char *fn, u64 *h) {
  Call c;
  int code = enter(&c, fn, h, NULL, -1, -1, FREE);
  if (!code && !initialised++) stale = 0, generation++, owner = getpid();
  return leave(&c, code);
}

int nvmlInitWithFlags(u32 flags) { static u64 h; (void)flags; return initialise("nvmlInit_v2", &h); } /* what the binding calls */
int nvmlInit_v2(void) { static u64 h; return initialise("nvmlInit_v2", &h); }
int nvmlShutdown(void) {
  static u64 h;
  Call c;
  int code = enter(&c, "nvmlShutdown", &h, NULL, -1, -1, FREE);
  if (running > 1) note(&c, "busy"); /* other calls are under way: the real one may crash */
  if (!code && !initialised) code = 1;
  if (!code) initialised--;
  return leave(&c, code);
}

const char *nvmlErrorString(int code) {
  static char words[32];
  snprintf(words, sizeof words, code == 999 ? "Unknown Error" : "Error %d", code);
  return words;
}

int nvmlSystemGetDriverVersion(char *o, u32 n) { CALL(NULL, -1, -1, 0); DONE(text(&c, NULL, o, n)); }
int nvmlSystemGetNVMLVersion(char *o, u32 n) { CALL(NULL, -1, -1, 0); DONE(text(&c, NULL, o, n)); }
int nvmlSystemGetCudaDriverVersion(u32 *o) { CALL(NULL, -1, -1, FREE); DONE(v32(&c, NULL, o)); }
int nvmlSystemGetCudaDriverVersion_v2(u32 *o) { CALL(NULL, -1, -1, FREE); DONE(v32(&c, NULL, o)); }
int nvmlSystemGetProcessName(u32 pid, char *o, u32 n) { CALL(NULL, (int)pid, -1, 0); code = text(&c, NULL, o, n); DONE(code == 3 ? 6 : code); }

/* Who is who. */

typedef struct { char legacy[16]; u32 domain, bus, device, id, subsystem; char bus_id[32]; } Pci;

static u64 named(const char *name) { return fnv(14695981039346656037u, name); }

static void bus_of(int card, Pci *o) {
  u64 h = named("nvmlDeviceGetPciInfo_v3");
  Rule *r = look(card, -1, &h, 1, TEXT);
  u32 function = 0;
  *o = (Pci){.bus = 0x10 + (u32)card, .id = 0x233010de, .subsystem = 0x16c110de};
  if (r) sscanf(r->text, "%x:%x:%x.%x", &o->domain, &o->bus, &o->device, &function);
  snprintf(o->bus_id, sizeof o->bus_id, "%08X:%02X:%02X.%u", o->domain, o->bus & 255, o->device & 255, function & 7);
  snprintf(o->legacy, sizeof o->legacy, "%04X:%02X:%02X.%u", o->domain & 65535, o->bus & 255, o->device & 255, function & 7);
}

static const char *uuid_of(int card, int mig) {
  static char made[64];
  u64 h = named("nvmlDeviceGetUUID");
  Rule *r = look(card, mig, &h, 1, TEXT);
  if (r && (mig < 0 || r == rule(&scene.rules, INSTANCES + card * 16 + mig, h, 0))) return r->text;
  if (mig < 0) snprintf(made, sizeof made, "GPU-%08x-0000-4000-8000-%012x", 0x57ab0000u + (u32)card, (u32)card);
  else snprintf(made, sizeof made, "MIG-%08x-0000-5000-8000-%012x", 0x57ab0000u + (u32)card, (u32)mig);
  return made;
}

/* The handle of a card that is there, by index, UUID or bus id; NULL if there is none. */
static void *found(int index, const char *uuid, const char *bus_id) {
  void *got = NULL;
  Pci want = {0}, have;
  u32 function = 0;
  pthread_mutex_lock(&lock);
  refresh(0);
  if (bus_id && sscanf(bus_id, "%x:%x:%x.%x", &want.domain, &want.bus, &want.device, &function) < 3)
    want.domain = 0, sscanf(bus_id, "%x:%x.%x", &want.bus, &want.device, &function);
  for (int i = 0; i < scene.count && !got; i++) {
    int card = scene.order[i];
    bus_of(card, &have);
    if (i == index || (uuid && !strcmp(uuid, uuid_of(card, -1))) ||
        (bus_id && have.domain == want.domain && have.bus == want.bus && have.device == want.device)) got = handle(card, -1);
    for (int m = 0; uuid && !got && m < scene.mig[card]; m++)
      if (!strcmp(uuid, uuid_of(card, m))) got = handle(card, m);
  }
  pthread_mutex_unlock(&lock);
  return got;
}

int nvmlDeviceGetCount_v2(u32 *o) { CALL(NULL, -1, -1, 0); *o = (u32)scene.count; DONE(0); }
int nvmlDeviceGetHandleByIndex_v2(u32 index, void **o) {
  void *d = found((int)index, NULL, NULL);
  CALL(d, -1, -1, DEVICE | LOOKUP);
  *o = d;
  DONE(0);
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **o) {
  void *d = found(-1, uuid, NULL);
  CALL(d, -1, -1, DEVICE | LOOKUP | INSTANCE);
  *o = d;
  DONE(0);
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, void **o) {
  void *d = found(-1, NULL, bus_id);
  CALL(d, -1, -1, DEVICE | LOOKUP);
  *o = d;
  DONE(0);
}
int nvmlDeviceGetUUID(void *d, char *o, u32 n) { CALL(d, -1, -1, DEVICE | INSTANCE); c.h[0] = c.h[1] = c.h[2] = 0; DONE(text(&c, uuid_of(c.card, c.mig), o, n)); }
int nvmlDeviceGetPciInfo_v3(void *d, Pci *o) { CALL(d, -1, -1, DEVICE); bus_of(c.card, o); DONE(0); }
int nvmlDeviceGetSerial(void *d, char *o, u32 n) {
  char made[32];
  CALL(d, -1, -1, DEVICE);
  snprintf(made, sizeof made, "1650000%06d", c.card);
  DONE(text(&c, made, o, n));
}
int nvmlDeviceGetIndex(void *d, u32 *o) {
  CALL(d, -1, -1, DEVICE | INSTANCE);
  for (int i = 0; i < scene.count; i++)
    if (scene.order[i] == c.card) *o = c.mig < 0 ? (u32)i : (u32)c.mig;
  DONE(0);
}
int nvmlDeviceGetMinorNumber(void *d, u32 *o) { CALL(d, -1, -1, DEVICE); if (v32(&c, NULL, o)) *o = (u32)c.card; DONE(0); }

/* Single numbers, by shape: one number, one that takes one or two words more, a pair. */

#define NAMES(fn, flags) int fn(void *d, char *o, u32 n) { CALL(d, -1, -1, DEVICE | flags); DONE(text(&c, NULL, o, n)); }
#define ONE(fn, kind, flags) int fn(void *d, kind *o) { CALL(d, -1, -1, DEVICE | flags); DONE(sizeof(kind) == 8 ? v64(&c, NULL, (u64 *)o) : v32(&c, NULL, (u32 *)o)); }
#define OF(fn, kind) int fn(void *d, u32 a, kind *o) { CALL(d, (int)a, -1, DEVICE); DONE(sizeof(kind) == 8 ? v64(&c, NULL, (u64 *)o) : v32(&c, NULL, (u32 *)o)); }
#define OF2(fn, kind) int fn(void *d, u32 a, u32 b, kind *o) { CALL(d, (int)a, (int)b, DEVICE); DONE(sizeof(kind) == 8 ? v64(&c, NULL, (u64 *)o) : v32(&c, NULL, (u32 *)o)); }
#define PAIR(fn, one, two, flags) int fn(void *d, u32 *a, u32 *b) { CALL(d, -1, -1, DEVICE | flags); BOTH(v32(&c, one, a), v32(&c, two, b)); }
#define ENGINE(fn) int fn(void *d, u32 *a, u32 *b) { CALL(d, -1, -1, DEVICE | NO_MIG); *b = 167000; DONE(v32(&c, "value", a)); }

NAMES(nvmlDeviceGetName, INSTANCE) NAMES(nvmlDeviceGetVbiosVersion, 0) NAMES(nvmlDeviceGetBoardPartNumber, 0)
ONE(nvmlDeviceGetPersistenceMode, u32, 0) ONE(nvmlDeviceGetComputeMode, u32, 0)
ONE(nvmlDeviceGetVirtualizationMode, u32, 0) ONE(nvmlDeviceGetBrand, u32, INSTANCE)
ONE(nvmlDeviceGetArchitecture, u32, INSTANCE) ONE(nvmlDeviceGetPowerUsage, u32, 0)
ONE(nvmlDeviceGetEnforcedPowerLimit, u32, 0) ONE(nvmlDeviceGetPowerManagementLimit, u32, 0)
ONE(nvmlDeviceGetPowerManagementDefaultLimit, u32, 0) ONE(nvmlDeviceGetTotalEnergyConsumption, u64, 0)
ONE(nvmlDeviceGetNumFans, u32, 0) ONE(nvmlDeviceGetFanSpeed, u32, 0) ONE(nvmlDeviceGetPcieReplayCounter, u32, 0)
ONE(nvmlDeviceGetCurrPcieLinkGeneration, u32, 0) ONE(nvmlDeviceGetMaxPcieLinkGeneration, u32, 0)
ONE(nvmlDeviceGetGpuMaxPcieLinkGeneration, u32, 0) ONE(nvmlDeviceGetCurrPcieLinkWidth, u32, 0)
ONE(nvmlDeviceGetMaxPcieLinkWidth, u32, 0) ONE(nvmlDeviceGetPerformanceState, u32, 0)
ONE(nvmlDeviceGetPowerState, u32, 0) ONE(nvmlDeviceGetDisplayActive, u32, 0) ONE(nvmlDeviceGetDisplayMode, u32, 0)
ONE(nvmlDeviceGetRetiredPagesPendingStatus, u32, 0) ONE(nvmlDeviceGetNumGpuCores, u32, 0)
ONE(nvmlDeviceGetMemoryBusWidth, u32, 0) ONE(nvmlDeviceGetMultiGpuBoard, u32, 0) ONE(nvmlDeviceGetNumaNodeId, u32, 0)
ONE(nvmlDeviceGetMaxMigDeviceCount, u32, 0) ONE(nvmlDeviceGetCurrentClocksEventReasons, u64, 0)
ONE(nvmlDeviceGetCurrentClocksThrottleReasons, u64, 0) ONE(nvmlDeviceGetSupportedClocksEventReasons, u64, 0)
ONE(nvmlDeviceGetSupportedClocksThrottleReasons, u64, 0) ONE(nvmlDeviceGetSupportedEventTypes, u64, 0)
OF(nvmlDeviceGetClockInfo, u32) OF(nvmlDeviceGetMaxClockInfo, u32) OF(nvmlDeviceGetApplicationsClock, u32)
OF(nvmlDeviceGetTemperature, u32) OF(nvmlDeviceGetTemperatureThreshold, u32) OF(nvmlDeviceGetPcieThroughput, u32)
OF2(nvmlDeviceGetTotalEccErrors, u64) PAIR(nvmlDeviceGetPowerManagementLimitConstraints, "minimum", "maximum", 0)
PAIR(nvmlDeviceGetEccMode, "current", "pending", 0)
PAIR(nvmlDeviceGetCudaComputeCapability, "major", "minor", INSTANCE) ENGINE(nvmlDeviceGetEncoderUtilization)
ENGINE(nvmlDeviceGetDecoderUtilization) ENGINE(nvmlDeviceGetJpgUtilization) ENGINE(nvmlDeviceGetOfaUtilization)

int nvmlDeviceGetFanSpeed_v2(void *d, u32 fan, u32 *o) {
  u64 h = named("nvmlDeviceGetNumFans");
  CALL(d, (int)fan, -1, DEVICE);
  Rule *r = look(c.card, -1, &h, 1, VALUE);
  DONE(r && fan >= r->value.v[0] ? 2 : v32(&c, NULL, o));
}
int nvmlDeviceGetMemoryErrorCounter(void *d, u32 type, u32 counter, u32 location, u64 *o) {
  (void)location;
  CALL(d, (int)type, (int)counter, DEVICE);
  DONE(v64(&c, NULL, o));
}
int nvmlDeviceGetViolationStatus(void *d, u32 policy, u64 o[2]) {
  CALL(d, (int)policy, -1, DEVICE);
  o[0] = (u64)(boottime() * 1e9);
  DONE(v64(&c, NULL, &o[1]));
}
int nvmlDeviceGetRemappedRows(void *d, u32 *corrected, u32 *uncorrected, u32 *pending, u32 *failure) {
  CALL(d, -1, -1, DEVICE | NO_MIG);
  v32(&c, "corrected", corrected), v32(&c, "uncorrected", uncorrected), v32(&c, "pending", pending);
  DONE(v32(&c, "failure", failure));
}
typedef struct { u32 version, sensor, value; } Temperature;
int nvmlDeviceGetTemperatureV(void *d, Temperature *o) { CALL(d, (int)o->sensor, -1, DEVICE); DONE(o->version != 0x100000C ? 25 : v32(&c, NULL, &o->value)); }
typedef struct { u32 version, value; } Versioned;
int nvmlDeviceGetMarginTemperature(void *d, Versioned *o) { CALL(d, -1, -1, DEVICE); DONE(o->version != 0x1000008 ? 25 : v32(&c, NULL, &o->value)); }
int nvmlDeviceGetAddressingMode(void *d, Versioned *o) { CALL(d, -1, -1, DEVICE); DONE(o->version != 0x1000008 ? 25 : v32(&c, NULL, &o->value)); }
int nvmlGpmQueryDeviceSupport(void *d, Versioned *o) { CALL(d, -1, -1, DEVICE | INSTANCE); DONE(o->version != 1 ? 25 : v32(&c, NULL, &o->value)); }

int nvmlDeviceGetUtilizationRates(void *d, u32 o[2]) { CALL(d, -1, -1, DEVICE | NO_MIG); BOTH(v32(&c, "gpu", &o[0]), v32(&c, "memory", &o[1])); }

/* Memory: rules of the pseudo function "memory" hold for both versions, those of a version win. */

static int memory(Call *c, const char *name, u64 *o) {
  num v;
  u64 h[3] = {fnv(fnv(c->h[2], "."), name), c->h[2], fnv(named("memory."), name)};
  Rule *r = look(c->card, c->mig, h, 3, VALUE);
  if (!r) return 3;
  v = evaluate(&r->value, c->card, boottime() - scene.start);
  int own = 0; /* an instance has its part of the card's, unless the scene has words for it */
  for (int i = 0; i < 3 && c->mig >= 0; i++) own |= r == rule(&scene.rules, INSTANCES + c->card * 16 + c->mig, h[i], 0);
  if (c->mig >= 0 && !own && scene.mig[c->card] > 0) v = floorl(v / scene.mig[c->card]);
  *o = whole(v);
  return 0;
}

int nvmlDeviceGetMemoryInfo(void *d, u64 o[3]) { /* total, free, used: with what is reserved */
  u64 reserved = 0;
  CALL(d, -1, -1, DEVICE | INSTANCE);
  code = memory(&c, "total", &o[0]);
  if (!code) memory(&c, "reserved", &reserved), memory(&c, "used", &o[2]), o[2] += reserved, o[1] = o[0] - o[2], memory(&c, "free", &o[1]);
  DONE(code);
}
typedef struct { u32 version; u64 total, reserved, free, used; } Memory2;
int nvmlDeviceGetMemoryInfo_v2(void *d, Memory2 *o) {
  CALL(d, -1, -1, DEVICE | INSTANCE);
  if (o->version != 0x02000028) DONE(25);
  code = memory(&c, "total", &o->total);
  if (!code) memory(&c, "reserved", &o->reserved), memory(&c, "used", &o->used), o->free = o->total - o->used - o->reserved, memory(&c, "free", &o->free);
  DONE(code);
}
int nvmlDeviceGetBAR1MemoryInfo(void *d, u64 o[3]) { /* total, free, used */
  CALL(d, -1, -1, DEVICE);
  code = v64(&c, "total", &o[0]);
  if (!code) v64(&c, "used", &o[2]), o[1] = o[0] - o[2];
  DONE(code);
}

/* Field values: each has its own code. */

typedef struct { u32 field, scope; int64_t time, latency; u32 type, code; union { double d; u32 u; u64 ull; } value; } Field;
int nvmlDeviceGetFieldValues(void *d, int count, Field *o) {
  static const int narrow[] = {82, 91, 94, 142, 143, 144, 145, 185, 186, 187, 188, 189, 190};
  CALL(d, -1, -1, DEVICE | INSTANCE);
  num some = 1;
  value(&c, NULL, &some);
  for (int i = 0; i < count && some != 0; i++) { /* value=0 stands for success with nothing written */
    Call f = c;
    num v = 0;
    f.h[1] = part(c.h[2], (int)o[i].field), f.h[0] = part(f.h[1], (int)o[i].scope);
    u64 h[2] = {f.h[0], f.h[1]};
    Rule *r = look(c.card, c.mig, h, 2, CODE), *type = look(c.card, c.mig, h, 2, TYPE);
    o[i].time = (int64_t)wall_us(), o[i].latency = 1, o[i].type = type ? (u32)type->type : 3;
    for (size_t n = 0; !type && n < sizeof narrow / sizeof *narrow; n++) if ((u32)narrow[n] == o[i].field) o[i].type = 1;
    o[i].code = r ? (u32)r->code : c.mig >= 0 ? 3 : (u32)value(&f, NULL, &v);
    if (r && r->times > 0) r->times--;
    if (o[i].scope == 0xffffffff && o[i].field >= 138 && o[i].field <= 141) { /* the sum of all links */
      u64 links = named("nvmlDeviceGetFieldValues.91");
      v *= (r = look(c.card, -1, &links, 1, VALUE)) ? r->value.v[0] : 0;
    }
    if (o[i].type == 0) o[i].value.d = (double)v;
    else if (o[i].type == 1) o[i].value.ull = 0, o[i].value.u = (u32)whole(v);
    else o[i].value.ull = whole(v);
  }
  DONE(0);
}

/* NVLink and topology. The other end of a link is the card that the rule's value names, else a switch. */

static int beyond(Call *c, u32 link) {
  u64 h = named("nvmlDeviceGetFieldValues.91");
  Rule *r = look(c->card, -1, &h, 1, CODE);
  if (r && r->code) return 3;
  r = look(c->card, -1, &h, 1, VALUE);
  return !r || r->value.v[0] <= 0 ? 3 : link >= r->value.v[0] ? 2 : 0;
}

#define LINK(fn) int fn(void *d, u32 link, u32 *o) { CALL(d, (int)link, -1, DEVICE); BOTH(beyond(&c, link), v32(&c, NULL, o)); }
LINK(nvmlDeviceGetNvLinkState) LINK(nvmlDeviceGetNvLinkVersion)
int nvmlDeviceGetNvLinkErrorCounter(void *d, u32 link, u32 counter, u64 *o) { CALL(d, (int)link, (int)counter, DEVICE); BOTH(beyond(&c, link), v64(&c, NULL, o)); }
int nvmlDeviceGetNvLinkCapability(void *d, u32 link, u32 what, u32 *o) { CALL(d, (int)link, (int)what, DEVICE); BOTH(beyond(&c, link), v32(&c, NULL, o)); }
int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *d, u32 link, Pci *o) {
  u32 peer = 0;
  CALL(d, (int)link, -1, DEVICE);
  if ((code = beyond(&c, link))) DONE(code);
  if (!v32(&c, NULL, &peer)) bus_of((int)peer % CARDS, o);
  else *o = (Pci){.bus = 0xc1, .id = 0x22a310de, .bus_id = "00000000:C1:00.0", .legacy = "0000:C1:00.0"};
  DONE(0);
}
int nvmlDeviceGetNvLinkRemoteDeviceType(void *d, u32 link, u32 *o) {
  num peer;
  CALL(d, (int)link, -1, DEVICE);
  u64 h = part(named("nvmlDeviceGetNvLinkRemotePciInfo_v2"), (int)link);
  *o = look(c.card, -1, &h, 1, VALUE) ? 0 : 2;
  if (!value(&c, NULL, &peer)) *o = (u32)peer;
  DONE(beyond(&c, link));
}
static int other(void *d) { return (int)((uintptr_t)d >> 12 & 63); }
int nvmlDeviceGetTopologyCommonAncestor(void *d, void *e, u32 *o) { CALL(d, other(e), -1, DEVICE); DONE(v32(&c, NULL, o)); }
int nvmlDeviceOnSameBoard(void *d, void *e, u32 *o) { CALL(d, other(e), -1, DEVICE); DONE(v32(&c, NULL, o)); }
int nvmlDeviceGetP2PStatus(void *d, void *e, u32 what, u32 *o) { CALL(d, other(e), (int)what, DEVICE); DONE(v32(&c, NULL, o)); }
int nvmlDeviceGetCpuAffinity(void *d, u32 n, u64 *o) { CALL(d, -1, -1, DEVICE); memset(o, 0, n * 8ul); DONE(n ? v64(&c, NULL, o) : 2); }

/* MIG. */

int nvmlDeviceGetMigMode(void *d, u32 *now, u32 *pending) {
  static u64 H;
  Call c;
  int code = enter(&c, __func__, &H, d, -1, -1, DEVICE);
  if (code == 3 && c.mig < 0 && scene.mig[c.card] >= 0) code = 0, *now = *pending = scene.mig[c.card] > 0;
  if (!code) v32(&c, "current", now), v32(&c, "pending", pending);
  return leave(&c, code);
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *d, u32 i, void **o) {
  CALL(d, (int)i, -1, DEVICE);
  if (scene.mig[c.card] > (int)i) *o = handle(c.card, (int)i);
  DONE(scene.mig[c.card] > (int)i ? 0 : scene.mig[c.card] < 0 ? 3 : 6);
}
int nvmlDeviceIsMigDeviceHandle(void *d, u32 *o) { CALL(d, -1, -1, DEVICE | INSTANCE); *o = c.mig >= 0; DONE(0); }
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *d, void **o) { CALL(d, -1, -1, DEVICE | INSTANCE); *o = handle(c.card, -1); DONE(c.mig < 0 ? 2 : 0); }
int nvmlDeviceGetGpuInstanceId(void *d, u32 *o) { CALL(d, -1, -1, DEVICE | INSTANCE); *o = (u32)c.mig + 1; DONE(c.mig < 0 ? 3 : 0); }
int nvmlDeviceGetComputeInstanceId(void *d, u32 *o) { CALL(d, -1, -1, DEVICE | INSTANCE); *o = 0; DONE(c.mig < 0 ? 3 : 0); }
typedef struct { u32 sms, copy, decoders, encoders, jpeg, ofa, slices, compute_slices; u64 megabytes; } Attributes;
int nvmlDeviceGetAttributes_v2(void *d, Attributes *o) {
  CALL(d, -1, -1, DEVICE | INSTANCE);
  *o = (Attributes){.sms = 16, .copy = 1, .slices = 1, .compute_slices = 1, .megabytes = 9856};
  DONE(c.mig < 0 ? 3 : 0);
}

/* Processes. A code 7 is a race: the list has grown whenever it is asked for. */

static int raced(Call *c, u32 room, u32 *count) {
  Rule *r = look(c->card, c->mig, c->h, 3, CODE);
  if (!r || r->code != 7 || !r->times) return 0;
  if (r->times > 0) r->times--;
  *count = room + 1;
  return 7;
}

typedef struct { u32 pid; u64 memory; u32 instance, compute; } Running;
static int processes(void *d, const char *fn, u64 *h, char kind, u32 *count, Running *o) {
  Call c;
  u32 room = *count, n = 0;
  int code = enter(&c, fn, h, d, -1, -1, DEVICE | INSTANCE | NO_MIG | LIST | RACE);
  if (code) return leave(&c, code);
  for (int i = 0; i < scene.processes; i++) {
    Process *p = &scene.process[i];
    if (p->card != c.card || p->kind != kind || (c.mig >= 0 && p->mig != c.mig)) continue;
    if (o && n < room) o[n] = (Running){p->pid, p->mem, p->mig < 0 ? 0xffffffff : (u32)p->mig + 1, p->mig < 0 ? 0xffffffff : 0};
    n++;
  }
  *count = n;
  return leave(&c, o && raced(&c, room, count) ? 7 : n > room ? 7 : 0);
}
#define PROCESSES_OF(fn, kind) int fn(void *d, u32 *n, Running *o) { static u64 h; return processes(d, __func__, &h, kind, n, o); }
PROCESSES_OF(nvmlDeviceGetComputeRunningProcesses_v2, 'C') PROCESSES_OF(nvmlDeviceGetComputeRunningProcesses_v3, 'C')
PROCESSES_OF(nvmlDeviceGetGraphicsRunningProcesses_v2, 'G')
PROCESSES_OF(nvmlDeviceGetGraphicsRunningProcesses_v3, 'G')
PROCESSES_OF(nvmlDeviceGetMPSComputeRunningProcesses_v2, 'M')
PROCESSES_OF(nvmlDeviceGetMPSComputeRunningProcesses_v3, 'M')

/* Utilisation samples: of those that did something, 100 ms old; value=0 stands for success with none. */
static int busy(Call *c, u64 since, u32 room, u32 *count, void (*put)(void *, u32, const Process *, u64), void *o) {
  u64 when = wall_us() - 100000;
  u32 n = 0;
  num v = 1;
  value(c, NULL, &v);
  for (int i = 0; i < scene.processes && v != 0; i++) {
    Process *p = &scene.process[i];
    if (p->card != c->card || !(p->sm || p->io || p->enc || p->dec) || since >= when) continue;
    if (o && n < room) put(o, n, p, when);
    n++;
  }
  *count = n;
  return v == 0 ? 0 : !n ? 6 : o && raced(c, room, count) ? 7 : n > room ? 7 : 0;
}
typedef struct { u32 pid; u64 time; u32 sm, io, enc, dec; } Used;
static void put_used(void *o, u32 n, const Process *p, u64 when) { ((Used *)o)[n] = (Used){p->pid, when, p->sm, p->io, p->enc, p->dec}; }
int nvmlDeviceGetProcessUtilization(void *d, Used *o, u32 *n, u64 since) {
  CALL(d, -1, -1, DEVICE | NO_MIG | RACE);
  DONE(busy(&c, since, o ? *n : 0, n, put_used, o));
}
typedef struct { u64 time; u32 pid, sm, io, enc, dec, jpg, ofa; } Used1;
static void put_used1(void *o, u32 n, const Process *p, u64 when) { ((Used1 *)o)[n] = (Used1){when, p->pid, p->sm, p->io, p->enc, p->dec, 0, 0}; }
typedef struct { u32 version, count; u64 since; Used1 *array; } UsedInfo;
int nvmlDeviceGetProcessesUtilizationInfo(void *d, UsedInfo *o) {
  CALL(d, -1, -1, DEVICE | NO_MIG | RACE);
  DONE(o->version != 0x01000018 ? 25 : busy(&c, o->since, o->array ? o->count : 0, &o->count, put_used1, o->array));
}
typedef struct { u64 time; u64 value; } Sampled;
int nvmlDeviceGetSamples(void *d, u32 what, u64 since, u32 *type, u32 *n, Sampled *o) {
  u32 v = 0;
  (void)since;
  CALL(d, (int)what, -1, DEVICE | NO_MIG);
  code = v32(&c, NULL, &v), *type = 1;
  for (u32 i = 0; o && i < *n; i++) o[i] = (Sampled){wall_us() - 16667ul * i, v};
  if (!o) *n = 100;
  DONE(code);
}

static int pages(Call *c, u32 *count, u64 *o, u64 *times) {
  u32 n = 0, room = *count;
  int code = v32(c, NULL, &n);
  for (u32 i = 0; o && i < n && i < room; i++) o[i] = 0x1000ul * (i + 1), times ? times[i] = 1700000000000000ul : 0;
  *count = n;
  return code ? code : n > room ? 7 : 0;
}
int nvmlDeviceGetRetiredPages(void *d, u32 cause, u32 *n, u64 *o) { CALL(d, (int)cause, -1, DEVICE); DONE(pages(&c, n, o, NULL)); }
int nvmlDeviceGetRetiredPages_v2(void *d, u32 cause, u32 *n, u64 *o, u64 *times) { CALL(d, (int)cause, -1, DEVICE); DONE(pages(&c, n, o, times)); }

/* Events: one that was before the card was registered is lost. */

int nvmlEventSetCreate(Set **o) {
  CALL(NULL, -1, -1, 0);
  for (int i = 0; i < SETS; i++)
    if (!sets[i].used) { memset(&sets[i], 0, sizeof *sets), sets[i].used = 1, *o = &sets[i]; DONE(0); }
  DONE(20);
}
int nvmlEventSetFree(Set *s) { CALL(NULL, -1, -1, 0); s->used = 0; DONE(0); }
int nvmlDeviceRegisterEvents(void *d, u64 types, Set *s) {
  CALL(d, -1, -1, DEVICE);
  s->types[c.card] |= types, s->since[c.card] = boottime() - scene.start;
  DONE(0);
}
typedef struct { void *device; u64 type, data; u32 instance, compute; } Happened;
int nvmlEventSetWait_v2(Set *s, Happened *o, u32 timeout_ms) {
  CALL(NULL, -1, -1, 0);
  for (double end = boottime() + timeout_ms / 1000.0;; refresh(0)) {
    if (!s->used || !initialised || stale) DONE(s->used ? 999 : 2);
    for (int i = 0; i < scene.events; i++) {
      Event *e = &scene.event[i];
      int seen = 0;
      for (int k = 0; k < s->n; k++) seen |= s->seen[k] == e->id;
      if (seen || !(s->types[e->card] & e->type) || e->at > boottime() - scene.start || e->at < s->since[e->card] || s->n == EVENTS) continue;
      s->seen[s->n++] = e->id;
      *o = (Happened){handle(e->card, -1), e->type, e->data, e->mig < 0 ? 0xffffffff : (u32)e->mig + 1, e->mig < 0 ? 0xffffffff : 0};
      DONE(0);
    }
    if (boottime() >= end) DONE(10);
    pthread_mutex_unlock(&lock);
    usleep(50000); /* a driver sleeps; 100 looks a second were a third of the worker's cost */
    pthread_mutex_lock(&lock);
  }
}

/* GPM: a metric needs two samples of one GPU, 100 ms apart. */

int nvmlGpmSampleAlloc(Sample **o) { CALL(NULL, -1, -1, 0); *o = calloc(1, sizeof **o); DONE(*o ? 0 : 20); }
int nvmlGpmSampleFree(Sample *s) { CALL(NULL, -1, -1, 0); free(s); DONE(0); }
int nvmlGpmSampleGet(void *d, Sample *s) { CALL(d, -1, -1, DEVICE | INSTANCE); *s = (Sample){c.card, c.mig, boottime()}; DONE(0); }
int nvmlGpmMigSampleGet(void *d, u32 instance, Sample *s) { CALL(d, (int)instance, -1, DEVICE); *s = (Sample){c.card, (int)instance - 1, boottime()}; DONE(0); }
typedef struct { u32 id, code; double value; const char *words[3]; } Metric;
typedef struct { u32 version, count; Sample *one, *two; Metric metric[]; } Metrics;
int nvmlGpmMetricsGet(Metrics *o) {
  CALL(handle(o->one->card, o->one->mig), -1, -1, DEVICE | INSTANCE);
  if (o->version != 1) DONE(25);
  if (o->one->card != o->two->card || o->one->mig != o->two->mig || !o->one->at) DONE(2);
  for (u32 i = 0; i < o->count; i++) {
    num v = 0;
    Call m = c;
    m.h[1] = part(c.h[2], (int)o->metric[i].id), m.h[0] = m.h[1];
    Rule *r = look(c.card, c.mig, m.h, 1, CODE);
    o->metric[i].code = o->two->at - o->one->at < 0.1 ? 21 : r ? (u32)r->code : (u32)value(&m, NULL, &v);
    o->metric[i].value = (double)v;
  }
  DONE(0);
}

/* The truth, for tests: millijoules of a card since the driver was loaded. */
double stubEnergy(int card) {
  pthread_mutex_lock(&lock);
  refresh(1);
  double mj = (double)energy(card, boottime() - scene.start);
  pthread_mutex_unlock(&lock);
  return mj;
}
