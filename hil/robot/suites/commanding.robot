*** Settings ***
Documentation     Commands and housekeeping: what every shift begins with.
Library           hil.robot.payload.Payload    ${TARGET}
Test Setup        Boot Payload

*** Variables ***
${TARGET}         qemu

*** Test Cases ***
The Payload Answers
    Payload Should Be Alive
    Nothing Should Be Lost

Housekeeping Comes By Itself
    Housekeeping Should Show    core.wire_version    is    1
    Housekeeping Should Show    core.uptime_s    >=    3    within=10 s
    Housekeeping Should Keep Showing    core.load_permille    <    500    duration=3 s

The Mode Is Changed By Command
    Send Telecommand    MODES.CHANGE mode=STANDBY
    Housekeeping Should Show    modes.mode    is    STANDBY
    Telecommand Should Be Refused    MODES.CHANGE mode=SCIENCE
    Housekeeping Should Keep Showing    modes.mode    is    STANDBY    duration=2 s

A Command That Makes No Sense Is Refused With Its Reason
    ${reason}=    Telecommand Should Be Refused    SEQUENCE.ACTIVATE sequence=99
    Should Contain    ${reason}    99
    Payload Should Be Alive

A Hazardous Command Needs Arming
    Telecommand Should Be Refused    CORE.RESTART
    Send Hazardous Telecommand    CORE.RESTART
    Wait For Event    core.boot    count=2    within=20 s

A Parameter Survives A Power Cut
    Target Should Offer    power
    Set Parameter    modes.reset_limit    5
    Cut Power For    1 s
    Housekeeping Should Show    modes.reset_limit    is    5
