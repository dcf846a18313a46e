/*
 * How a program starts with a C library older than 2.34: it brings the function that runs its constructors, and hands it to
 * __libc_start_main. The crt1.o of newer libraries hands over nothing, since those find the constructors themselves; an older one would
 * run none of them. Newer ones take such a function all the same.
 */
#define HIDDEN __attribute__((visibility("hidden")))

typedef void constructor(int count, char **arguments, char **environment);
typedef int start_main(int (*)(int, char **, char **), int, char **, constructor *, void (*)(void), void (*)(void), void *);

extern constructor *__init_array_start[] HIDDEN;
extern constructor *__init_array_end[] HIDDEN;
extern void _init(void) HIDDEN __attribute__((weak));

extern start_main __real___libc_start_main;
HIDDEN start_main __wrap___libc_start_main;

/* The preinit_array is the dynamic linker's, then as now; so are the destructors. */
static void construct(int count, char **arguments, char **environment)
{
    if (_init) _init();
    for (constructor **each = __init_array_start; each != __init_array_end; each++) (*each)(count, arguments, environment);
}

int __wrap___libc_start_main(
    int (*main)(int, char **, char **), int count, char **arguments, constructor *init, void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    return __real___libc_start_main(main, count, arguments, init ? init : construct, fini, rtld_fini, stack_end);
}
