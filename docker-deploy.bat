@echo off
rem Does what docker-deploy.sh does, with the bash that comes with Git for Windows.
rem ASCII up to the words for people: cmd loses its place in anything else.
setlocal DisableDelayedExpansion
rem A Git that is elsewhere is found by its git.exe: in cmd, mingw64\bin or the shims of scoop.
set "GIT=%ProgramFiles%\Git\cmd\"
for %%G in (git.exe) do if not "%%~$PATH:G"=="" set "GIT=%%~dp$PATH:G"
set "BASH="
for %%D in ("%ProgramFiles%\Git" "%LocalAppData%\Programs\Git" "%GIT%.." "%GIT%..\.." "%GIT%..\apps\git\current") do (
  if not defined BASH if exist "%%~D\bin\bash.exe" set "BASH=%%~D\bin\bash.exe"
)
if not defined BASH goto missing
set "HERE=%~dp0"
rem An update may put another file in this one's place: what comes after is found by its label.
"%BASH%" "%HERE:\=/%docker-deploy.sh" %* & goto done

:done
set "RC=%ERRORLEVEL%"
rem The window that a double click opens would be gone before anybody could read it.
if "%~1"=="" pause
exit /b %RC%

:missing
rem Back to the console's own code page only after a key: changing it may clear the screen.
for /f "tokens=2 delims=:." %%C in ('chcp') do set "PAGE=%%C"
chcp 65001 >nul
echo 没有找到 Git for Windows：docker-deploy.bat 用它自带的 bash 运行。
echo 请从 https://git-scm.com/download/win 安装（选项都用默认的），再重新打开这个窗口。
pause
chcp %PAGE% >nul
exit /b 1
