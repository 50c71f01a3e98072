"""PUS services (ECSS-E-ST-70-41C): what a telecommand asks for is done here, and reports leave from here."""
