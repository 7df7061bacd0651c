"""What killed rockets leave in FireWorks, found and put right."""
