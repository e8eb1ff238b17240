/* A PKCS#11 module that passes everything on to another one (MODULE), and can fail as real tokens do. The environment says how:
 *
 * TOKEN_CUT=n      the power goes before the n-th change to the token: the program is gone
 * TOKEN_GONE=file  while that file exists, the token is not there
 * TOKEN_RESET=f    when that file exists, it is removed, and the token forgets all sessions and who is logged in
 * TOKEN_LAST_TRY   the token says that one more wrong PIN locks it
 * TOKEN_UNWRAPS    the token takes keys under CKM_DES3_ECB without showing them, and shows none (the module below shows them)
 * TOKEN_LOGINS=f   a line is written to that file for each PIN that is tried
 *
 * The list of functions is that of PKCS #11 2.40, taken as an array. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
typedef word (*function)();
typedef struct { unsigned char version[2]; function call[68]; } list;
typedef struct { word type; void *value; word length; } attribute;

enum {
    GET_FUNCTION_LIST = 3, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, GET_MECHANISM_INFO = 8, OPEN_SESSION = 12,
    CLOSE_ALL_SESSIONS = 14, LOGIN = 18, CREATE_OBJECT = 20, DESTROY_OBJECT = 22, FIND_OBJECTS_INIT = 26,
    ENCRYPT_INIT = 29, DECRYPT_INIT = 33, DECRYPT = 34, SIGN_INIT = 42, GENERATE_KEY = 58, GENERATE_KEY_PAIR = 59,
    UNWRAP_KEY = 61
};
enum { OK = 0, GENERAL_ERROR = 5, NOT_PERMITTED = 0x68, DEVICE_REMOVED = 0x32, TOKEN_NOT_PRESENT = 0xE0, DES3_ECB = 0x132 };
enum { VALUE = 0x11, DECRYPTS = 0x105, UNWRAPS = 0x107, CAN_UNWRAP = 0x40000, LAST_TRY = 0x20000, FLAGS_AT = 96 };

static list real, ours;
static int writes;
static word last_slot;

static void change(void) {
    const char *cut = getenv("TOKEN_CUT");
    if (cut && ++writes == atoi(cut)) _exit(99);
}

static int gone(void) {
    const char *file = getenv("TOKEN_GONE");
    return file && access(file, F_OK) == 0;
}

static void reset(void) {
    const char *file = getenv("TOKEN_RESET");
    if (file && unlink(file) == 0) real.call[CLOSE_ALL_SESSIONS](last_slot);
}

static word get_slot_list(unsigned char present, word *slots, word *count) {
    if (!gone()) return real.call[GET_SLOT_LIST](present, slots, count);
    *count = 0;
    return OK;
}

static word get_token_info(word slot, unsigned char *info) {
    word result = gone() ? TOKEN_NOT_PRESENT : real.call[GET_TOKEN_INFO](slot, info), flags;
    if (result == OK && getenv("TOKEN_LAST_TRY")) {
        memcpy(&flags, info + FLAGS_AT, sizeof flags);
        flags |= LAST_TRY;
        memcpy(info + FLAGS_AT, &flags, sizeof flags);
    }
    return result;
}

static word get_mechanism_info(word slot, word type, word *info) {
    word result = real.call[GET_MECHANISM_INFO](slot, type, info);
    if (result == OK && type == DES3_ECB && getenv("TOKEN_UNWRAPS")) info[2] |= CAN_UNWRAP;
    return result;
}

static word open_session(word slot, word flags, void *application, void *notify, word *session) {
    last_slot = slot;
    return gone() ? TOKEN_NOT_PRESENT : real.call[OPEN_SESSION](slot, flags, application, notify, session);
}

static word login(word session, word user, unsigned char *pin, word length) {
    const char *name = getenv("TOKEN_LOGINS");
    FILE *file = name ? fopen(name, "a") : NULL;
    if (file) {
        fputs("login\n", file);
        fclose(file);
    }
    return real.call[LOGIN](session, user, pin, length);
}

/* The module below has to decrypt what a real token would unwrap: a key that may unwrap may decrypt there. */
static word create_object(word session, attribute *template, word count, word *object) {
    static const unsigned char yes = 1;
    attribute copy[32];
    int unwraps = 0;
    change();
    if (!getenv("TOKEN_UNWRAPS") || count > 32) return real.call[CREATE_OBJECT](session, template, count, object);
    memcpy(copy, template, count * sizeof *copy);
    for (word at = 0; at < count; at++) unwraps |= copy[at].type == UNWRAPS && *(unsigned char *)copy[at].value;
    for (word at = 0; at < count; at++)
        if (unwraps && copy[at].type == DECRYPTS) copy[at].value = (void *)&yes;
    return real.call[CREATE_OBJECT](session, copy, count, object);
}

static word unwrap_key(word session, word *mechanism, word master, void *sealed, word length, attribute *template,
                       word count, word *object) {
    unsigned char clear[64];
    attribute copy[32];
    word clear_length = sizeof clear, result;
    change();
    if (!getenv("TOKEN_UNWRAPS") || count > 31)
        return real.call[UNWRAP_KEY](session, mechanism, master, sealed, length, template, count, object);
    result = real.call[DECRYPT_INIT](session, mechanism, master);
    if (result == OK) result = real.call[DECRYPT](session, sealed, length, clear, &clear_length);
    if (result != OK) return result;
    memcpy(copy, template, count * sizeof *copy);
    copy[count] = (attribute){VALUE, clear, clear_length};
    return real.call[CREATE_OBJECT](session, copy, count + 1, object);
}

static word decrypt_init(word session, word *mechanism, word key) {
    if (*mechanism == DES3_ECB && getenv("TOKEN_UNWRAPS")) return NOT_PERMITTED;
    return real.call[DECRYPT_INIT](session, mechanism, key);
}

static word destroy_object(word session, word object) {
    change();
    return real.call[DESTROY_OBJECT](session, object);
}

static word generate_key(word session, void *mechanism, void *template, word count, word *key) {
    change();
    return real.call[GENERATE_KEY](session, mechanism, template, count, key);
}

static word generate_key_pair(word session, void *mechanism, void *public_template, word public_count,
                              void *private_template, word private_count, word *public_key, word *private_key) {
    change();
    return real.call[GENERATE_KEY_PAIR](session, mechanism, public_template, public_count, private_template,
                                        private_count, public_key, private_key);
}

static word encrypt_init(word session, void *mechanism, word key) {
    reset();
    return gone() ? DEVICE_REMOVED : real.call[ENCRYPT_INIT](session, mechanism, key);
}

static word sign_init(word session, void *mechanism, word key) {
    reset();
    return real.call[SIGN_INIT](session, mechanism, key);
}

static word find_objects_init(word session, void *template, word count) {
    reset();
    return real.call[FIND_OBJECTS_INIT](session, template, count);
}

word C_GetFunctionList(list **out) {
    void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
    word (*get)(list **) = module ? (word (*)(list **))dlsym(module, "C_GetFunctionList") : NULL;
    list *found;
    if (!get || get(&found) != OK) return GENERAL_ERROR;
    real = *found;
    ours = real;
    ours.call[GET_FUNCTION_LIST] = (function)C_GetFunctionList;
    ours.call[GET_SLOT_LIST] = (function)get_slot_list;
    ours.call[GET_TOKEN_INFO] = (function)get_token_info;
    ours.call[GET_MECHANISM_INFO] = (function)get_mechanism_info;
    ours.call[OPEN_SESSION] = (function)open_session;
    ours.call[LOGIN] = (function)login;
    ours.call[CREATE_OBJECT] = (function)create_object;
    ours.call[DESTROY_OBJECT] = (function)destroy_object;
    ours.call[ENCRYPT_INIT] = (function)encrypt_init;
    ours.call[SIGN_INIT] = (function)sign_init;
    ours.call[FIND_OBJECTS_INIT] = (function)find_objects_init;
    ours.call[DECRYPT_INIT] = (function)decrypt_init;
    ours.call[GENERATE_KEY] = (function)generate_key;
    ours.call[GENERATE_KEY_PAIR] = (function)generate_key_pair;
    ours.call[UNWRAP_KEY] = (function)unwrap_key;
    *out = &ours;
    return OK;
}
