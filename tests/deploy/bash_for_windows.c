/* Stands in for the bash of Git for Windows: writes down who it is, where it was started and what
   it was given, each ended by a NUL, into the file that RECORD names. Ends with ANSWER. First it
   puts the file UPDATE, if given, in place of the file BATCH, as an update may. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

static void put(FILE *file, const wchar_t *words)
{
    char utf8[16384];
    fwrite(utf8, 1, WideCharToMultiByte(CP_UTF8, 0, words, -1, utf8, sizeof utf8, 0, 0), file);
}

int wmain(int argc, wchar_t **argv)
{
    wchar_t path[4096];
    const wchar_t *answer = _wgetenv(L"ANSWER"), *update = _wgetenv(L"UPDATE");
    FILE *file = _wfopen(_wgetenv(L"RECORD"), L"wb");

    GetModuleFileNameW(0, path, 4096);
    put(file, path);
    GetCurrentDirectoryW(4096, path);
    put(file, path);
    for (int i = 1; i < argc; i++)
        put(file, argv[i]);
    fclose(file);
    if (update && !CopyFileW(update, _wgetenv(L"BATCH"), FALSE))
        return 99;
    return answer ? _wtoi(answer) : 0;
}
