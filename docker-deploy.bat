@echo off
rem Does what docker-deploy.sh does, with the bash that comes with Git for Windows.
setlocal
chcp 65001 >nul
rem Or bash would turn /app/... into a folder of Windows.
set MSYS_NO_PATHCONV=1
set "BASH=%ProgramFiles%\Git\bin\bash.exe"
if exist "%BASH%" goto found
set "BASH=%LocalAppData%\Programs\Git\bin\bash.exe"
if exist "%BASH%" goto found
rem Git elsewhere: its git.exe lies in cmd, beside bin.
for /f "delims=" %%G in ('where git 2^>nul') do set "BASH=%%~dpG..\bin\bash.exe"
if not exist "%BASH%" goto missing

:found
pushd "%~dp0"
"%BASH%" ./docker-deploy.sh %*
set "RC=%ERRORLEVEL%"
popd
exit /b %RC%

:missing
echo 需要 Git for Windows：docker-deploy.bat 用它自带的 bash 来运行 docker-deploy.sh。
exit /b 1
