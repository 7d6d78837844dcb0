"""Two policies for Wardgate, as a third party would write them."""
