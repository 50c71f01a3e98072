*** Settings ***
Documentation     Power and heat on the board's own parts, with Renode's models of them: what is fed shows in housekeeping.
Library           hil.robot.renode_payload.RenodePayload    renode_parts
Test Setup        Boot Payload

*** Test Cases ***
Currents And Voltages Are Those Of The Models
    Execute Command    sysbus.i2c1.bus Voltage 27.5
    Execute Command    sysbus.i2c1.bus Current 1.5
    Execute Command    sysbus.i2c1.battery Current -0.8
    Housekeeping Should Come To    power.bus_v    27.49    27.51
    Housekeeping Should Come To    power.bus_a    1.499    1.501
    Housekeeping Should Come To    power.battery_a    -0.801    -0.799

The Battery Is As Warm As Its Thermometers Say
    FOR    ${number}    IN RANGE    3
        Execute Command    sysbus.i2c1.battery_${number} Temperature -7.5
    END
    Housekeeping Should Come To    power.battery_c    -7.6    -7.4

A Zone Is As Warm As Its Thermistors Say
    [Documentation]    Half of the full scale is 25 degC, 3135 counts are 0 degC.
    Feed Thermistors    2048
    Housekeeping Should Come To    thermal.electronics_c    24.8    25.2
    Housekeeping Should Come To    thermal.battery_c    24.8    25.2
    Execute Command    sysbus.adc1 FeedSample 3135 12 -1
    Housekeeping Should Come To    thermal.battery_c    -0.2    0.2

A Heater Switch Is On For Its Share Of The Time
    Feed Thermistors    2048
    Housekeeping Should Show    thermal.electronics_valid    is    1    within=60 s
    ${lamp}=    Create LED Tester    sysbus.gpioPortA.heater_electronics
    Assert LED State    false    timeout=0    testerId=${lamp}
    Send Telecommand    THERMAL.SET_DUTY zone=ELECTRONICS duty=0.5 seconds=600
    Assert LED State    true    timeout=60    testerId=${lamp}    pauseEmulation=true
    Assert LED State    false    timeout=60    testerId=${lamp}    pauseEmulation=true
    Payload Should Be Alive

A Load Switch Follows Its Command
    ${lamp}=    Create LED Tester    sysbus.gpioPortA.load_1
    Send Telecommand    POWER.LOAD_ON load=RADIO
    Assert LED State    true    timeout=30    testerId=${lamp}    pauseEmulation=true
    Send Telecommand    POWER.LOAD_OFF load=RADIO
    Assert LED State    false    timeout=30    testerId=${lamp}    pauseEmulation=true

*** Keywords ***
Feed Thermistors
    [Documentation]    Channels 10 to 12 are the pins A0 to A2. A reset of the machine forgets what was fed.
    [Arguments]    ${raw}
    FOR    ${channel}    IN RANGE    10    13
        Execute Command    sysbus.adc1 FeedSample ${raw} ${channel} -1
    END

Housekeeping Should Come To
    [Documentation]    Each part is read every few seconds, and its app tells of it each ten.
    [Arguments]    ${point}    ${low}    ${high}
    From Now On
    Housekeeping Should Lie In    ${point}    ${low}    ${high}    within=90 s
