@echo off
rem Does what docker-deploy.sh does, with the bash that comes with Git for Windows.
setlocal
chcp 65001 >nul
rem Or bash would turn /app/... into a folder of Windows.
set MSYS_NO_PATHCONV=1
set "BASH=%ProgramFiles%\Git\bin\bash.exe"
if not exist "%BASH%" set "BASH=%LocalAppData%\Programs\Git\bin\bash.exe"
if not exist "%BASH%" goto missing
"%BASH%" "%~dp0docker-deploy.sh" %*
exit /b %ERRORLEVEL%

:missing
echo 需要 Git for Windows：docker-deploy.bat 用它自带的 bash 来运行 docker-deploy.sh。
exit /b 1
