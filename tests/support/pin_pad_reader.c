/* A card reader with a PIN pad (PC/SC part 10), for tests.
 *
 * It is vpcd, the virtual reader, with a pad in front: every call goes on to vpcd's driver, only the questions of part 10 are
 * answered here. For a VERIFY it does what a reader's firmware does: it waits for the customer, makes the command from the
 * structure it was given, and sends that to the card. What the customer does stands in the file that $PIN_PAD_KEYS names, a line
 * each time the pad asks: digits and the validation key, or "cancel". Until there is a line, time runs. The structures that the
 * pad was given go, in hexadecimal, to the same name with ".asked". */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ifdhandler.h>
#include <reader.h>

#ifndef DRIVER
#error "DRIVER is the path of vpcd's driver"
#endif

/* Control codes are the reader's own choice. */
#define VERIFY SCARD_CTL_CODE(0x330000 + FEATURE_VERIFY_PIN_DIRECT)
#define PROPERTIES SCARD_CTL_CODE(0x330000 + FEATURE_GET_TLV_PROPERTIES)

#define FEWEST_DIGITS 4
#define MOST_DIGITS 12

static unsigned asked;
static SCARD_IO_HEADER protocol = {0, sizeof(SCARD_IO_HEADER)};

static void *vpcd(const char *name)
{
	static void *driver;
	if (driver == NULL)
		driver = dlopen(DRIVER, RTLD_NOW | RTLD_LOCAL);
	void *function = driver ? dlsym(driver, name) : NULL;
	if (function == NULL) {
		fprintf(stderr, "pin_pad_reader: %s\n", dlerror());
		abort();
	}
	return function;
}

#define FORWARD(name, parameters, ...)                                                                                          \
	RESPONSECODE name parameters                                                                                            \
	{                                                                                                                       \
		RESPONSECODE(*next) parameters = vpcd(#name);                                                                   \
		return next(__VA_ARGS__);                                                                                       \
	}

FORWARD(IFDHCreateChannel, (DWORD lun, DWORD channel), lun, channel)
FORWARD(IFDHCreateChannelByName, (DWORD lun, LPSTR name), lun, name)
FORWARD(IFDHCloseChannel, (DWORD lun), lun)
FORWARD(IFDHGetCapabilities, (DWORD lun, DWORD tag, PDWORD length, PUCHAR value), lun, tag, length, value)
FORWARD(IFDHSetCapabilities, (DWORD lun, DWORD tag, DWORD length, PUCHAR value), lun, tag, length, value)
FORWARD(IFDHPowerICC, (DWORD lun, DWORD action, PUCHAR atr, PDWORD length), lun, action, atr, length)
FORWARD(IFDHICCPresence, (DWORD lun), lun)

RESPONSECODE IFDHSetProtocolParameters(DWORD lun, DWORD type, UCHAR flags, UCHAR pts1, UCHAR pts2, UCHAR pts3)
{
	RESPONSECODE (*next)(DWORD, DWORD, UCHAR, UCHAR, UCHAR, UCHAR) = vpcd(__func__);
	protocol.Protocol = type;
	return next(lun, type, flags, pts1, pts2, pts3);
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER send, PUCHAR command, DWORD length, PUCHAR answer,
                               PDWORD answer_length, PSCARD_IO_HEADER receive)
{
	RESPONSECODE (*next)(DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD, PSCARD_IO_HEADER) = vpcd(__func__);
	return next(lun, send, command, length, answer, answer_length, receive);
}

static RESPONSECODE give(const void *bytes, DWORD count, PUCHAR buffer, DWORD room, PDWORD given)
{
	if (count > room)
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	memcpy(buffer, bytes, count);
	*given = count;
	return IFD_SUCCESS;
}

/* Line number `asked` of the customer's file; false while there is none. */
static int customers_line(char *line, int room)
{
	FILE *keys = fopen(getenv("PIN_PAD_KEYS"), "r");
	int found = 0;
	for (unsigned number = 0; keys != NULL && !found && fgets(line, room, keys) != NULL; number++)
		found = number == asked && strchr(line, '\n') != NULL;
	if (keys != NULL)
		fclose(keys);
	line[found ? strcspn(line, "\n") : 0] = 0;
	return found;
}

static void note(const PUCHAR structure, DWORD length)
{
	char name[4096];
	snprintf(name, sizeof name, "%s.asked", getenv("PIN_PAD_KEYS"));
	FILE *file = fopen(name, "a");
	for (DWORD index = 0; file != NULL && index < length; index++)
		fprintf(file, "%02X%s", structure[index], index + 1 == length ? "\n" : "");
	if (file != NULL)
		fclose(file);
}

/* Writes `count` bits of `value`, the highest first, from bit number `at` on. */
static void put_bits(PUCHAR bytes, unsigned at, unsigned count, unsigned value)
{
	for (unsigned index = 0; index < count; index++) {
		UCHAR mask = 0x80 >> (at + index) % 8;
		if (value >> (count - 1 - index) & 1)
			bytes[(at + index) / 8] |= mask;
		else
			bytes[(at + index) / 8] &= ~mask;
	}
}

/* Puts the digits into the data behind Lc as the structure says; false when it says what this reader cannot do. */
static int complete(const PIN_VERIFY_STRUCTURE *verify, PUCHAR command, const char *digits)
{
	unsigned count = strlen(digits);
	unsigned unit = verify->bmFormatString & 0x80 ? 8 : 1;
	unsigned place = (verify->bmFormatString >> 3 & 0x0F) * unit;
	unsigned length_place = (verify->bmPINLengthFormat & 0x0F) * (verify->bmPINLengthFormat & 0x10 ? 8 : 1);
	unsigned block = (verify->bmPINBlockString & 0x0F) * 8;
	unsigned data = (verify->ulDataLength - 5) * 8;
	int left_bcd = (verify->bmFormatString & 0x07) == 0x01;
	if (!left_bcd || place + block > data || length_place + 4 > data || count * 4 > block)
		return 0;
	for (unsigned index = 0; index < count; index++)
		put_bits(command + 5, place + index * 4, 4, digits[index] - '0');
	put_bits(command + 5, length_place, verify->bmPINBlockString >> 4, count);
	return 1;
}

static RESPONSECODE verify_pin(DWORD lun, PUCHAR sent, DWORD length, PUCHAR answer, DWORD room, PDWORD given)
{
	const PIN_VERIFY_STRUCTURE *verify = (const void *)sent;
	const UCHAR timed_out[] = {0x64, 0x00}, cancelled[] = {0x64, 0x01}, wrong_length[] = {0x64, 0x03},
	            refused[] = {0x6B, 0x80};
	UCHAR command[261];
	char line[64];
	if (length < sizeof *verify + 5 || verify->ulDataLength != length - sizeof *verify ||
	    verify->ulDataLength > sizeof command || verify->bEntryValidationCondition != 0x02)
		return give(refused, 2, answer, room, given);
	note(sent, length);
	time_t until = time(NULL) + verify->bTimerOut;
	while (!customers_line(line, sizeof line)) {
		if (IFDHICCPresence(lun) == IFD_ICC_NOT_PRESENT)
			return IFD_COMMUNICATION_ERROR;
		if (time(NULL) > until)
			return give(timed_out, 2, answer, room, given);
		usleep(20000);
	}
	asked++;
	if (strcmp(line, "fail") == 0)
		return IFD_COMMUNICATION_ERROR;
	if (strcmp(line, "cancel") == 0)
		return give(cancelled, 2, answer, room, given);
	unsigned fewest = verify->wPINMaxExtraDigit >> 8, most = verify->wPINMaxExtraDigit & 0xFF;
	if (strlen(line) < fewest || strlen(line) > most)
		return give(wrong_length, 2, answer, room, given);
	memcpy(command, verify->abData, verify->ulDataLength);
	if (!complete(verify, command, line))
		return give(refused, 2, answer, room, given);
	*given = room;
	return IFDHTransmitToICC(lun, protocol, command, verify->ulDataLength, answer, given, &protocol);
}

RESPONSECODE IFDHControl(DWORD lun, DWORD code, PUCHAR sent, DWORD length, PUCHAR answer, DWORD room, PDWORD given)
{
	const UCHAR features[] = {FEATURE_VERIFY_PIN_DIRECT,  4, 0x42, 0x33, 0x00, FEATURE_VERIFY_PIN_DIRECT,
	                          FEATURE_GET_TLV_PROPERTIES, 4, 0x42, 0x33, 0x00, FEATURE_GET_TLV_PROPERTIES};
	const UCHAR properties[] = {PCSCv2_PART10_PROPERTY_bMinPINSize, 1, FEWEST_DIGITS,
	                            PCSCv2_PART10_PROPERTY_bMaxPINSize, 1, MOST_DIGITS};
	RESPONSECODE (*next)(DWORD, DWORD, PUCHAR, DWORD, PUCHAR, DWORD, PDWORD) = vpcd(__func__);
	*given = 0;
	switch (code) {
	case CM_IOCTL_GET_FEATURE_REQUEST:
		return give(features, sizeof features, answer, room, given);
	case PROPERTIES:
		return give(properties, sizeof properties, answer, room, given);
	case VERIFY:
		return verify_pin(lun, sent, length, answer, room, given);
	default:
		return next(lun, code, sent, length, answer, room, given);
	}
}
